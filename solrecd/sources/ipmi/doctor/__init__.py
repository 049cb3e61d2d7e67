"""What is wrong between a console and us: questions, answers, findings. No I/O.

`answers` reads what a BMC says, one decoder per kind of answer. `questions` asks for it
in dialogues that somebody else carries out (`solrecd.sources.ipmi.examination`).
`judge` and `evidence` turn readings into `Finding`s, each with its cure. `fixes`
sets what can be set from here.
"""
