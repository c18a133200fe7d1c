"""What may happen to processes, connections, disks and clocks, at any time."""
import contextlib
import random
import re
import time

import psycopg2

from sluicetest.fixtures import ROOT
from sluicetest.wait import wait_until

PLACES = re.findall(r'^    \{"([a-z.-]+)", "', (ROOT / "base/failpoint.c").read_text(), re.M)


def places_of(program):
    """The failpoints that a program comes to."""
    mine = {"sluice-gateway": ("store.", "gateway."), "sluice-worker": ("worker.", "postgres.")}
    return [place for place in PLACES if place.startswith(mine.get(program.name, ("-",)))]


class Killer:
    """One strike after another, each undone before the next; choices come from the seed."""

    def __init__(self, world, seed, has_failpoints):
        self.world = world
        self.dice = random.Random(f"{seed}-killer")
        self.told = []  # (what, how long it took)
        self.nfailpoints_met = 0
        self.strikes = {self.kill: 20, self.pause: 12, self.pause_long: 4, self.end_sessions: 12,
                        self.restart_database: 6, self.cut_clients: 8, self.cut_database: 8,
                        self.stand_still: 4, self.make_read_only: 6,
                        self.step_clock: 6}
        if world.volume.is_small:
            self.strikes[self.fill_volume] = 6
        if has_failpoints:
            self.strikes[self.meet_failpoint] = 20

    def strike(self):
        began = time.monotonic()
        for program in self.world.programs:
            program.check()  # nobody ends but by us
        what = self.dice.choices(list(self.strikes), list(self.strikes.values()))[0]
        about = what()
        self.world.heal()
        self.told.append((f"{what.__name__} {about or ''}".strip(), time.monotonic() - began))
        self.hold(0.3)

    def hold(self, longest_s):
        """How long something stays as it is: any time."""
        time.sleep(self.dice.uniform(0, longest_s))

    def some_program(self):
        return self.dice.choice(self.world.programs)

    # --- processes

    def kill(self):
        program = self.some_program()
        program.kill()
        self.hold(0.3)
        return program.log.stem

    def pause(self, longest_s=0.7):
        program = self.some_program()
        program.pause()
        self.hold(longest_s)
        program.resume()
        return program.log.stem

    def pause_long(self):
        """Longer than a lease."""
        return self.pause(longest_s=3)

    def meet_failpoint(self):
        """A program starts that is to die, or to fail, when it comes to a place for some time."""
        program = self.dice.choice([*self.world.gateways, *self.world.stack.workers])
        place = self.dice.choice(places_of(program))
        action = self.dice.choice(["crash", "crash", "error", "hang:400"])
        rule = f"{place}={action}@{self.dice.randint(1, 6)}"
        usual = program.env
        program.kill()
        program.env = {**usual, "SLUICE_FAILPOINTS": rule}
        offset = program.log.stat().st_size
        program.start(wait_for=None)
        program.env = usual

        def is_met():
            return any(line.get("event") == "failpoint" for line in program.events(offset))
        with contextlib.suppress(AssertionError):  # it may not come there
            wait_until(is_met, 0.6, what="the failpoint")
        self.hold(0.5)  # what follows from it may go its way
        program.kill()  # it would meet it later
        self.nfailpoints_met += is_met()
        return f"{program.log.stem} {rule}"

    # --- PostgreSQL

    def end_sessions(self):
        share = self.dice.choice([0.3, 1])
        rows = self.sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                        " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
                        f" AND random() < {share}")
        return f"{rows[0][0]}"

    def restart_database(self):
        self.world.cluster.restart_immediately()

    def make_read_only(self):
        """For a moment, as an operator would. Sessions that are there take it up, too."""
        self.sql("ALTER SYSTEM SET default_transaction_read_only = on")
        self.sql("SELECT pg_reload_conf()")
        self.hold(1)
        self.sql("SET default_transaction_read_only = off;"
                 "ALTER SYSTEM RESET default_transaction_read_only")
        self.sql("SELECT pg_reload_conf()")

    def sql(self, text):
        """The statements run one by one: some may not stand in a transaction."""
        found = None
        connection = psycopg2.connect(self.world.cluster.url("postgres"))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                for statement in text.split(";"):
                    cursor.execute(statement)
                found = cursor.fetchall() if cursor.description else None
        finally:
            connection.close()
        return found

    def fill_volume(self):
        with self.world.volume.filled():
            self.hold(1)
        # It may have given up, and be on its way to come back, or not.
        self.world.cluster.wait_until_ready()

    # --- what is between

    def cut_clients(self):
        self.world.gateway_proxy.cut()

    def cut_database(self):
        self.world.database_proxy.cut()

    def stand_still(self):
        proxy = self.dice.choice([self.world.gateway_proxy, self.world.database_proxy])
        with proxy.standing_still():
            self.hold(2)

    def step_clock(self):
        seconds = self.dice.choice([-86400, -3600, -20, 20, 3600, 86400 * 400])
        self.world.clock.set(seconds)
        self.hold(0.5)
        return f"{seconds:+d} s"
