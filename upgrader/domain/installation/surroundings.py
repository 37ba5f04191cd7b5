"""What around an installation forbids to move it: other gateways, other users, the caller's own place. Pure."""

from upgrader.domain.installation.census import Census
from upgrader.domain.installation.facts import GatewayProcess, InstallKind, Obstacle, Package
from upgrader.domain.installation.identity import Account, obstacles_of

OTHER_TREE = "other_tree"


def obstacles_around(account: Account, package: Package, census: Census) -> tuple[Obstacle, ...]:
    """Everything in the process table and in the caller's position that stands against a move, the gravest first."""
    return (
        *_several(census.gateways),
        *_in_container(census.gateways),
        *_other_tree(package, census.gateways),
        *_unreachable(package),
        *_siblings(package, census),
        *_hidden(account, package, census),
        *_prefix(package, account),
        *obstacles_of(account, census.gateways),
    )


def _prefix(package: Package, account: Account) -> tuple[Obstacle, ...]:
    """Root's prefix and a person's state: sudo would not help, it works on root's own state."""
    if package.pointer.parent not in account.unwritable_package:
        return ()
    return (
        Obstacle(
            "prefix_not_writable",
            f"{package.pointer.parent} cannot be written",
            "that is where the place of the package lies, and it would have to be switched",
            "use a prefix of your own: `npm config set prefix ~/.npm-global`, then `npm install -g openclaw`",
        ),
    )


def _several(gateways: tuple[GatewayProcess, ...]) -> tuple[Obstacle, ...]:
    if len(gateways) < 2:
        return ()
    listed = ", ".join(
        f"process {each.identity.pid} on port {'/'.join(map(str, each.ports)) or 'none yet'}" for each in gateways
    )
    message = f"{len(gateways)} gateways run on the same state"
    return (Obstacle("several_gateways", message, listed, "stop all but one of them"),)


def _in_container(gateways: tuple[GatewayProcess, ...]) -> tuple[Obstacle, ...]:
    return tuple(
        Obstacle(
            "in_container",
            f"the gateway, process {each.identity.pid}, runs in a container",
            "its package is part of the image, not of this machine",
            "pull another image and start the container anew",
        )
        for each in gateways
        if each.contained
    )


def _other_tree(package: Package, gateways: tuple[GatewayProcess, ...]) -> tuple[Obstacle, ...]:
    return tuple(
        Obstacle(
            OTHER_TREE,
            f"the running gateway was not started from {package.root}",
            f"process {each.identity.pid} runs {each.package_root}",
            "leave out `--prefix`, or restart the gateway from the install you mean",
        )
        for each in gateways
        if each.package_root is not None and each.package_root != package.root
    )


def _unreachable(package: Package) -> tuple[Obstacle, ...]:
    """A retained install that is started by its own path: there is no place to exchange."""
    if package.kind is not InstallKind.SLOT or package.pointer != package.root:
        return ()
    return (
        Obstacle(
            "no_pointer",
            "what is started is a retained install that no npm prefix leads to",
            f"{package.root} is named directly, and `lib/node_modules/openclaw` of no known prefix is a link to it",
            "`openclaw gateway install --force` from the install you mean, then run it again",
        ),
    )


def _siblings(package: Package, census: Census) -> tuple[Obstacle, ...]:
    """Others that run the same tree: it would move under their feet, or be another one at their next start.

    A tree that is reached by a link made by hand stays where it is, and others have links of their own to it.
    """
    if package.kind is not InstallKind.SLOT and package.pointer != package.root:
        return ()
    return tuple(
        Obstacle(
            "shared_package",
            "another gateway runs from the same package and would be switched with it",
            f"process {each.identity.pid} of uid {each.uid} works on {each.state_path or 'another state'}",
            "stop it first, or give it an install of its own",
        )
        for each in census.siblings
        if each.package_root == package.root
    )


def _hidden(account: Account, package: Package, census: Census) -> tuple[Obstacle, ...]:
    """Another user's OpenClaw matters where the package is shared; what lies in our home is out of its reach."""
    if not census.suspects or package.root.is_relative_to(account.home):
        return ()
    pids = ", ".join(str(each.pid) for each in census.suspects)
    return (
        Obstacle(
            "hidden_openclaw",
            "another user runs an OpenClaw that cannot be looked at",
            f"process {pids} may be started from {package.root}, which lies outside your home",
            "stop it, or run `upgrader` where it can see it",
        ),
    )
