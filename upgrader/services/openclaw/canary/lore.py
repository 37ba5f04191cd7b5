"""All a canary needs to know of OpenClaw, under one name: the port Lore of upgrader.domain.canary.ports."""

from upgrader.services.openclaw.canary.clone_config import fresh_config as fresh_config
from upgrader.services.openclaw.canary.clone_runs import answer_status as answer_status
from upgrader.services.openclaw.canary.clone_runs import code_paths as code_paths
from upgrader.services.openclaw.canary.clone_runs import command as command
from upgrader.services.openclaw.canary.clone_runs import environment as environment
from upgrader.services.openclaw.canary.clone_runs import is_greeting as is_greeting
from upgrader.services.openclaw.canary.clone_runs import is_no_room as is_no_room
from upgrader.services.openclaw.canary.clone_runs import is_passing as is_passing
from upgrader.services.openclaw.canary.clone_runs import is_ready as is_ready
from upgrader.services.openclaw.canary.clone_runs import log_findings as log_findings
from upgrader.services.openclaw.canary.clone_runs import ran_embedded as ran_embedded
from upgrader.services.openclaw.canary.clone_runs import readiness as readiness
from upgrader.services.openclaw.canary.clone_runs import reason as reason
from upgrader.services.openclaw.canary.clone_runs import reason_first as reason_first
from upgrader.services.openclaw.canary.clone_runs import terminal_arguments as terminal_arguments
from upgrader.services.openclaw.canary.clone_runs import terminal_patterns as terminal_patterns
from upgrader.services.openclaw.canary.clone_runs import turn_arguments as turn_arguments
from upgrader.services.openclaw.canary.clone_runs import turn_probe as turn_probe
from upgrader.services.openclaw.canary.clone_secrets import INERT_NAME as INERT_NAME
from upgrader.services.openclaw.canary.clone_secrets import auth_environment as auth_environment
from upgrader.services.openclaw.canary.clone_state import clone_plan as clone_plan
from upgrader.services.openclaw.canary.turn_policy import not_applicable as not_applicable
from upgrader.services.openclaw.configuration.config_policy import secret_texts as secret_texts
from upgrader.services.openclaw.doctor import doctor_call as doctor_call
from upgrader.services.openclaw.gateway.gateway_requests import main_session as main_session
from upgrader.services.openclaw.logs.starts import listening_since as listening_since
