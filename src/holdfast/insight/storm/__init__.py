"""The storm: many clients fight for the same few times, and an independent check says who really got them.

``plan`` decides from one seed who asks for what; an ``Arena`` (a recipe on a scratch schema, or Holdfast over HTTP)
answers; ``runner`` lets the clients loose; ``independent_check`` and ``report`` say what came of it.
"""
