"""The Grafana dashboards as code; ``python -m tools.dashboards`` writes ``grafana/``.

- `panels`      one function per kind of panel: looks, units, thresholds
- `queries`     what every expression selects by, and how
- `fleet` `boots` `console` `recorder`    one dashboard each
- `story`       a fleet's afternoon as metrics, for tests and pictures
- `server`      a real Prometheus that answers what the panels ask
- `pictures`    the same panels drawn from its answers, for the README
"""
