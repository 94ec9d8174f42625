"""A patient: the chart, consent, and the texts to and from them."""

from dashboards.blueprints.patients import chart, consents, texts
from dashboards.blueprints.patients.page import blueprint

__all__ = ["blueprint", "chart", "consents", "texts"]
