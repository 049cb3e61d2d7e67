"""What a console's lines mean: markers, boots and failures.

Read in this order: `rules` (TOML text -> rules), `prefix` (screen line -> messages),
`detector` (lines -> markers), `machine` (markers -> stages and boots), `culprit` (a
crash report -> the function at fault), `incidents` (markers and the lines after
them -> one failure each). Everything is pure; `markers/*.toml` is the data.
"""
