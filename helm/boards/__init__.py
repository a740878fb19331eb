"""The dashboards as literal tables: what each panel asks, shows and means."""

from boards import compliance, operations, outreach, policies
from boards.panel import Board

# In the order of Grafana's list.
BOARDS: tuple[Board, ...] = (compliance.BOARD, outreach.BOARD, operations.BOARD, policies.BOARD)
