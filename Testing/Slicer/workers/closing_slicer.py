"""A Slicer that is closed while a run of the engine goes on.

    closing_slicer.py WAY WORDS_OF_THE_STAND_IN...

WAY: "quit" leaves the application's event loop as File > Exit does, "end" only ends Python, "discard" ends the run
before, "cancel" asks it to end and does not wait.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def main(way: str, words: list[str]) -> None:
    """Start a run and leave as told when it is known to go on."""
    from harness import bed

    with bed.imports():
        application = bed.application()
        import module_bed
        import qt

        engine, events = module_bed.stub(*words), []
        engine.onEvent = events.append
        engine.start([])
        bed.pump(lambda: events, 30)
        sys.stdout.write("goes on\n" if engine.running else "ended\n")
        if way == "quit":
            qt.QTimer.singleShot(0, application.quit)
            application.exec_()
        elif way != "end":
            getattr(engine, way)()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
