"""All rules, in the order in which equally likely causes are told."""

from collections.abc import Callable

from upgrader.domain.causes import (
    cache,
    gateways,
    lookalikes,
    providers,
    releases,
    remote,
    requests,
    running,
    scopes,
    service,
    strangers,
    units,
)
from upgrader.domain.diagnosis.cause import Cause, ranked
from upgrader.domain.diagnosis.scene import Scene

Rule = Callable[[Scene], tuple[Cause, ...]]

RULES: tuple[Rule, ...] = (
    gateways.move_not_ended,
    gateways.repair_not_ended,
    releases.unreadable,
    releases.newer_schema,
    releases.agents_of_another_moment,
    releases.not_imported,
    releases.only_migrated,
    gateways.several,
    cache.record_missing,
    cache.record_of_another_key,
    cache.token_revoked,
    cache.cache_of_another,
    cache.cache_missing,
    cache.token_differs,
    cache.record_token_empty,
    cache.overwritten,
    scopes.record_lacks,
    requests.loop,
    scopes.token_beyond_device,
    scopes.role_not_approved,
    requests.own_request,
    requests.comes_back,
    requests.listing_refused,
    scopes.cache_narrower,
    releases.identity_made_anew,
    releases.identity_missing,
    units.masked,
    service.token_drift,
    service.shell_token,
    service.starts_another,
    units.held_back,
    units.failed,
    units.replaced_by_drop_in,
    units.not_read_again,
    service.reads_another_state,
    running.of_another_state,
    gateways.nobody_serves,
    gateways.runs_old_code,
    gateways.other_tree,
    running.differs_from_its_unit,
    gateways.owned_by_another,
    remote.read_only_peer,
    releases.platform_changed,
    scopes.others_lack,
    requests.others_wait,
    strangers.agents_refused,
    lookalikes.proof_refused,
    service.shared_token_refused,
    scopes.lists_drifted,
    remote.container,
    remote.plain_url,
    remote.exposed_token,
    remote.growth,
    strangers.refused_devices,
    strangers.refused_clients,
    lookalikes.signed,
    providers.refused_logins,
    providers.lost_logins,
    lookalikes.agents_apart,
    lookalikes.sessions_in_part,
    units.not_at_boot,
    gateways.stale_owner,
    gateways.gateway_like,
)


def find_causes(scene: Scene) -> tuple[Cause, ...]:
    """Every cause in a scene, likeliest first."""
    told = tuple(cause for rule in RULES for cause in rule(scene))
    return ranked((*told, *strangers.other_failures(scene, told)))
