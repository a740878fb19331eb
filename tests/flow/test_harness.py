"""The recorders record what was sent; every other flow test stands on that."""

import http.client

from tests.flow.harness import Client, Sink, Target, mail, stuff


def test_the_sink_keeps_a_message_byte_for_byte() -> None:
    message = b"Subject: dots\r\nMessage-ID: <a@b>\r\n\r\n.one\r\n..two\r\n.\r\n..\r\nend\r\n"
    with Sink() as sink, Client(sink.port) as client:
        assert client.send("a@x.example", ["b@x.example", "c@x.example"], message).code == 250
        [delivery] = sink.wait(1)
    assert delivery.data == message
    assert delivery.message_id == "a@b"
    assert delivery.sender == "a@x.example"
    assert delivery.recipients == ("b@x.example", "c@x.example")


def test_the_sink_takes_pipelined_transactions_and_an_empty_message() -> None:
    once = b"MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n"
    with Sink() as sink, Client(sink.port) as client:
        client.write(once + stuff(b"A: b\r\n\r\nhi\r\n") + once + b".\r\n" + b"NOOP\r\n")
        assert [client.reply().code for _ in range(9)] == [250, 250, 354, 250, 250, 250, 354, 250, 250]
        assert [delivery.data for delivery in sink.wait(2)] == [b"A: b\r\n\r\nhi\r\n", b""]


def test_a_script_answers_instead() -> None:
    def script(verb: str, argument: str) -> bytes | None:
        return b"550 5.1.1 nobody" if verb == "RCPT" and argument.startswith("no") else None

    message = mail("Ciao", sender="a@x.example", to="b@x.example")
    with Sink(script=script) as sink, Client(sink.port) as client:
        assert client.send("a@x.example", ["nobody@x.example"], message).code == 550
        assert client.send("a@x.example", ["nobody@x.example", "some@x.example"], message).code == 250
        assert [delivery.recipients for delivery in sink.wait(1)] == [("some@x.example",)]


def test_down_and_up_keep_the_port() -> None:
    with Sink() as sink:
        port = sink.port
        with Client(port) as client:
            sink.down()
            try:
                client.command("NOOP")
                raise AssertionError("the session should be gone")
            except ConnectionError:
                pass
        sink.up()
        assert sink.port == port
        with Client(port) as client:
            assert client.command("NOOP").code == 250


def test_the_target_records_and_answers() -> None:
    with Target(lambda _: (503, {"Retry-After": "7"})) as target:
        connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=5)
        connection.request("POST", "/hook", body=b"{}", headers={"Webhook-Id": "m1"})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        assert answer.status == 503
        assert answer.getheader("Retry-After") == "7"
        assert [(request.path, request.body) for request in target.wait(1)] == [("/hook", b"{}")]
        assert target.requests[0].headers["webhook-id"] == "m1"
