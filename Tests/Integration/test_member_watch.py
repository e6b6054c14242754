"""`etcd-backup members`: its exit status decides whether restore.sh goes back, so each says one thing only."""

import signal

from processes import free_port


def test_J7_every_member_serves_is_status_0(world, etcd):
    run = world.run("members", "--wait", "20")
    assert run.status == 0 and "serves: etcd" in run.text, run


def test_J7_only_that_no_member_served_until_the_time_was_over_is_status_2(world):
    run = world.run("members", "--wait", "2", "--endpoints", f"http://127.0.0.1:{free_port()}")
    assert run.status == 2 and "does not serve" in run.text, run


def test_J7_some_that_serve_are_status_1_as_is_everything_unknown(world, etcd):
    dead = f"http://127.0.0.1:{free_port()}"
    assert world.run("members", "--wait", "3", "--endpoints", f"{etcd.endpoints},{dead}").status == 1
    assert world.run("members", "--wait", "2", "--endpoints", dead, APP_WORKING_NAMESPACE=None).status == 78


def test_J7_a_stop_is_not_a_member_that_does_not_serve(world):
    program = world.start("members", "--wait", "60", "--endpoints", f"http://127.0.0.1:{free_port()}")
    while not program.output_file.exists() or b"does not serve" not in program.output_file.read_bytes():
        assert program.is_running
    program.send(signal.SIGTERM)
    assert program.wait().status in (1, 143)
