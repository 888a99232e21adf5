"""A phone system that is only a model: for the demo, for trying rules out, and for tests."""

from ozrules.connectors.simulator.behaviour import Behaviour
from ozrules.connectors.simulator.connector import SimulatorConnector
from ozrules.connectors.simulator.gateway_side import SimulatorGateway
from ozrules.connectors.simulator.http_manners import HttpManners
from ozrules.connectors.simulator.http_side import SimulatorHttp
from ozrules.connectors.simulator.office import OFFICE
from ozrules.connectors.simulator.phone_system import PhoneSystem
from ozrules.connectors.simulator.switchboard import Conduct, LedgerEntry, Switchboard
from ozrules.connectors.simulator.traffic import HABITS, Habit, traffic

__all__ = [
    "HABITS",
    "OFFICE",
    "Behaviour",
    "Conduct",
    "Habit",
    "HttpManners",
    "LedgerEntry",
    "PhoneSystem",
    "SimulatorConnector",
    "SimulatorGateway",
    "SimulatorHttp",
    "Switchboard",
    "traffic",
]
