"""What is wrong between a console and us: questions, answers, findings. No I/O.

`answers` and `sol_answers` read what a BMC says, one decoder per kind of answer.
`questions` asks for it in dialogues that `solrecd.sources.ipmi.examination` carries
out. `judge` and `evidence` turn readings into `Finding`s, each with its cure. `fixes`
sets what can be set from here.
"""
