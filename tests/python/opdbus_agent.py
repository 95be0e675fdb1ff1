"""Serves an agent in Python: the protocol of opdbus/agent/v1/agent.proto, with sessions, resume and host calls.

An operation is a coroutine that takes a `Call` and its arguments by name, and returns what goes into JSON. It may raise `Failure`.
Stubs: `python3 -m grpc_tools.protoc -I proto --python_out=OUT --grpc_python_out=OUT opdbus/agent/v1/agent.proto`.
"""

import asyncio
import inspect
import json
import signal
import time

import grpc
from opdbus.agent.v1 import agent_pb2 as pb
from opdbus.agent.v1 import agent_pb2_grpc as rpc

CREDIT = 256 << 10  # what an operation of a session may write before it is allowed more
CHUNK = 64 << 10  # largest piece of output in one event
WINDOW = 30  # seconds that operations go on without a session
GRACE = 2  # seconds that an operation may take to end once it is stopped
KEPT = 1000  # outcomes that are kept for a hub which does not acknowledge them
MESSAGE = 8 << 20  # largest message of a hub
DRAIN = 5  # seconds that operations may go on once the agent is to end
EFFECTS = {"read": pb.EFFECTS_READ, "write": pb.EFFECTS_WRITE, "external": pb.EFFECTS_EXTERNAL}


class Failure(Exception):
    """An outcome other than success. `kind` is `failed` (it tried) or `rejected` (it looked and said no)."""

    def __init__(self, reason, message, kind="failed", hint=""):
        super().__init__(message)
        self.reason, self.kind, self.hint = reason, kind, hint


class Call:
    """One operation in flight: its events since the beginning, and the session that hears of them, if there is one."""

    def __init__(self, order, session, credit):
        self.id, self.order = order.id, order
        self.session = session  # its queue of frames; none while there is no session
        self.events, self.asked, self.answers = [], {}, {}
        self.credit, self.more, self.bytes = credit, asyncio.Event(), 0
        self.began, self.task, self.why, self.grace = time.monotonic(), None, "", GRACE
        self.ended = asyncio.get_running_loop().create_future()
        self.joined, self.deserted = [], False  # repeats of it that wait; whether it was stopped for want of a hub

    async def progress(self, fraction, note=""):
        """Tells how far it is: between 0 and 1, negative when unknown."""
        self.emit(progress=pb.Progress(fraction=fraction, note=note))
        await asyncio.sleep(0)

    async def write(self, text, channel=pb.CHANNEL_STDOUT):
        """Writes output; waits while the hub allows no more."""
        data = text.encode() if isinstance(text, str) else bytes(text)
        while data:
            while self.credit is not None and self.credit <= 0:
                self.more.clear()
                await self.more.wait()
            piece = data[: CHUNK if self.credit is None else min(self.credit, CHUNK)]
            data = data[len(piece):]
            if self.credit is not None:
                self.credit -= len(piece)
            self.bytes += len(piece)
            self.emit(output=pb.Output(channel=channel, data=piece))
        await asyncio.sleep(0)

    async def ask(self, performer, **arguments):
        """Asks the hub for a tool, or another agent's operation; returns its value, or raises `Failure`."""
        if self.credit is None:
            raise Failure("no_session", "whoever calls by Execute can be asked for nothing", "rejected")
        number = len(self.asked) + 1
        frame = pb.HostCall(id=self.id, number=number, performer=performer, arguments=json.dumps(arguments))
        self.asked[number] = frame
        self.answers[number] = asyncio.get_running_loop().create_future()
        self.tell(pb.AgentFrame(host_call=frame))
        outcome = await self.answers[number]
        kind = outcome.WhichOneof("kind")
        if kind == "completed":
            return json.loads(outcome.completed.value)
        told = getattr(outcome, kind or "failed")
        raise Failure(getattr(told, "reason", kind) or "no_answer", told.message, "failed", getattr(told, "hint", ""))

    def emit(self, **kind):
        event = pb.Event(id=self.id, sequence=len(self.events) + 1, **kind)
        self.events.append(event)
        self.tell(pb.AgentFrame(event=event))

    def tell(self, frame):
        if self.session is not None:
            self.session.put_nowait(frame)

    def resume(self, session, seen, granted):
        """Goes on with another session: first what it missed, then what is still to be answered, then what is to come."""
        self.session = session
        self.credit = CREDIT + granted - self.bytes
        self.more.set()
        for event in self.events[seen:]:
            self.tell(pb.AgentFrame(event=event))
        for number, frame in self.asked.items():
            if not self.answers[number].done():
                self.tell(pb.AgentFrame(host_call=frame))

    def stop(self, why, grace=GRACE):
        if not self.why:
            self.why, self.grace = why, grace
            self.task.cancel()
            asyncio.get_running_loop().call_later(grace, self.end, pb.Outcome(cancelled=pb.Cancelled(message=why)))

    def end(self, outcome):
        """Tells the outcome, once."""
        if not self.ended.done():
            outcome.evidence.duration.FromNanoseconds(int((time.monotonic() - self.began) * 1e9))
            outcome.evidence.bytes = self.bytes
            self.ended.set_result(outcome)
            self.emit(outcome=outcome)


class Agent(rpc.AgentServicer):
    """A name and what it performs."""

    def __init__(self, name, version, description):
        self.described = pb.DescribeResponse(name=name, version=version, description=description)
        self.functions, self.calls, self.sessions, self.draining = {}, {}, set(), False

    def operation(self, name, description, effects, takes, returns, **more):
        """Adds an operation. `takes`: a JSON Schema for each argument; those without a default must be given."""

        def add(function):
            parameters = list(inspect.signature(function).parameters.values())[1:]
            needed = [one.name for one in parameters if one.default is inspect.Parameter.empty]
            schema = {"type": "object", "properties": takes, "required": needed, "additionalProperties": False}
            described = pb.OperationDescription(name=name, description=description, effects=EFFECTS[effects], **more,
                                                input_schema=json.dumps(schema), output_schema=json.dumps(returns))
            self.described.operations.append(described)
            self.functions[name] = (function, described, set(takes), set(needed))
            return function

        return add

    async def Describe(self, request, context):
        return self.described

    async def Execute(self, request, context):
        session = asyncio.Queue()
        call = self.take(request.operation, session, None)  # the stream itself is the flow control
        try:
            while True:
                event = (await session.get()).event
                yield pb.ExecuteResponse(event=event)
                if event.WhichOneof("kind") == "outcome":
                    return
        finally:
            if not call.ended.done():
                self.desert(call, "the stream was dropped")

    async def Session(self, frames, context):
        session = asyncio.Queue()
        reading = asyncio.ensure_future(self.read(frames, session))
        self.sessions.add(session)
        try:
            while (frame := await session.get()) is not None:
                yield frame
        finally:
            reading.cancel()
            self.sessions.discard(session)
            self.lose(session)

    async def read(self, frames, session):
        try:
            async for frame in frames:
                kind = frame.WhichOneof("frame")
                if kind == "bye":
                    flying = self.of(session)
                    for call in flying:
                        self.desert(call, "the hub said bye")
                    if flying:
                        await asyncio.wait([call.ended for call in flying], timeout=GRACE)
                    break
                if kind is not None:
                    self.hear(kind, getattr(frame, kind), session)
        finally:
            session.put_nowait(None)

    def hear(self, kind, frame, session):
        call = self.calls.get(getattr(frame, "id", None))
        mine = call is not None and call.session is session
        if kind == "hello" and frame.version:
            welcome = pb.Welcome(version=min(frame.version, 1), agent=self.described)
            welcome.window.FromSeconds(WINDOW)
            session.put_nowait(pb.AgentFrame(welcome=welcome))
        elif kind == "operation":
            self.take(frame, session, CREDIT)
        elif kind == "ping":
            session.put_nowait(pb.AgentFrame(pong=pb.Pong(token=frame.token)))
        elif kind == "resume" and call is not None and (not call.deserted or call.ended.done()):
            call.resume(session, frame.seen, frame.granted)
        elif kind == "resume":
            session.put_nowait(pb.AgentFrame(event=pb.Event(id=frame.id, sequence=frame.seen + 1, outcome=unknown())))
        elif kind == "cancel" and mine:
            grace = frame.grace.ToTimedelta().total_seconds() if frame.HasField("grace") else GRACE
            call.stop(frame.reason or "the hub asked to stop", grace)
        elif kind == "credit" and mine:
            call.credit += frame.bytes
            call.more.set()
        elif kind == "ack" and call is not None and call.ended.done():
            del self.calls[frame.id]
        elif kind == "reply" and mine and frame.number in call.answers and not call.answers[frame.number].done():
            call.answers[frame.number].set_result(frame.outcome)

    def take(self, order, session, credit):
        """Performs an operation, or answers it as before."""
        known = self.calls.get(order.id)
        if known is not None and known.session is session and not known.ended.done():
            return known
        if known is not None and known.session is None and credit is not None and not (known.why or known.ended.done()):
            known.resume(session, 0, 0)  # whoever asked for it before is gone
            return known
        call = Call(order, session, credit)
        call.emit(accepted=pb.Accepted())
        if known is None:
            self.begin(call, order.repeat)
        else:
            call.began = known.began
            call.task = asyncio.ensure_future(self.follow(call, known))
        return call

    def begin(self, call, repeat):
        order = call.order
        function, described, takes, needed = self.functions.get(order.operation, (None, None, set(), set()))
        refusal = self.refuse(order, described, takes, needed, repeat)
        if refusal is not None:
            return call.end(refusal)
        self.forget()
        self.calls[order.id] = call
        call.task = asyncio.ensure_future(self.perform(call, function))
        if order.HasField("timeout"):
            limit = order.timeout.ToTimedelta().total_seconds()
            asyncio.get_running_loop().call_later(limit, lambda: call.ended.done() or call.stop("its time limit was reached"))

    def refuse(self, order, described, takes, needed, repeat):
        if self.draining:
            return rejected("draining", "the agent is going away")
        if described is None:
            hint = "it has: " + ", ".join(self.functions)
            return rejected("unknown_operation", f"there is no operation `{order.operation}`", hint)
        try:
            names = set(json.loads(order.arguments))
        except (ValueError, TypeError):
            return rejected("invalid_arguments", "the arguments are not a JSON object")
        if names - takes or needed - names:
            wrong = ", ".join(sorted((names - takes) | (needed - names)))
            return rejected("invalid_arguments", f"unknown or missing: {wrong}", "it takes: " + ", ".join(sorted(takes)))
        if repeat and not described.idempotent and described.effects != pb.EFFECTS_READ:
            return unknown()
        return None

    async def perform(self, call, function):
        try:
            value = await function(call, **json.loads(call.order.arguments))
            outcome = pb.Outcome(completed=pb.Completed(value=json.dumps(value)))
        except asyncio.CancelledError:
            outcome = pb.Outcome(cancelled=pb.Cancelled(message=call.why))
        except Failure as failure:
            kind = pb.Rejected if failure.kind == "rejected" else pb.Failed
            outcome = pb.Outcome(**{failure.kind: kind(reason=failure.reason, message=str(failure), hint=failure.hint)})
        except Exception as error:
            outcome = pb.Outcome(failed=pb.Failed(reason="raised", message=f"{type(error).__name__}: {error}"))
        call.end(outcome)

    async def follow(self, call, known):
        """Answers a repeat with what becomes of the operation that is known by its id."""
        known.joined.append(call)
        outcome = await asyncio.shield(known.ended)
        if known.deserted and outcome.HasField("cancelled"):  # nobody wished that
            other = self.calls.get(call.id)
            return self.begin(call, True) if other in (None, known) else await self.follow(call, other)
        call.ended.set_result(outcome)
        call.emit(outcome=outcome)

    def desert(self, call, why):
        """Stops what no hub wants any more. One that comes back all the same is not told that it cancelled."""
        call.deserted = call.deserted or not call.why
        call.stop(why)

        def forget(ended):
            if call.deserted and ended.result().HasField("cancelled") and self.calls.get(call.id) is call:
                del self.calls[call.id]

        call.ended.add_done_callback(forget)

    def forget(self):
        """Keeps what nobody acknowledges within bounds; the oldest go first."""
        ended = [id for id, call in self.calls.items() if call.ended.done()]
        for id in ended[: max(0, len(ended) - KEPT)]:
            del self.calls[id]

    def of(self, session):
        return [call for call in self.calls.values() if call.session is session and not call.ended.done()]

    def lose(self, session):
        """The session is gone. What others joined is theirs; what nobody resumes within the window is stopped."""
        for call in [call for call in self.calls.values() if call.session is session]:
            call.session = None
            heir = next((one for one in call.joined if one.session in self.sessions), None)
            if heir is not None and not (call.deserted or call.ended.done()):
                heir.task.cancel()  # the call speaks in its place
                call.joined.remove(heir)
                call.resume(heir.session, len(heir.events), 0)
                continue
            late = lambda call=call: call.session is None and not call.ended.done() and self.desert(call, "nobody came back for it")
            asyncio.get_running_loop().call_later(WINDOW, late)

    async def serve(self, address):
        server = grpc.aio.server(options=[("grpc.max_receive_message_length", MESSAGE)])
        rpc.add_AgentServicer_to_server(self, server)
        server.add_insecure_port(address.removeprefix("tcp:"))
        await server.start()
        end = asyncio.Event()
        for one in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(one, end.set)
        await end.wait()
        self.draining = True
        for session in self.sessions:
            session.put_nowait(pb.AgentFrame(draining=pb.Draining(reason="the agent is shutting down")))
        flying = [call for call in self.calls.values() if not call.ended.done()]
        if flying:
            await asyncio.wait([call.ended for call in flying], timeout=DRAIN)
        for call in flying:
            call.stop("the agent is going away")
        await server.stop(GRACE)

    def run(self, address):
        """Serves until SIGTERM. `address`: `unix:/path/to.sock` or `tcp:HOST:PORT`."""
        asyncio.run(self.serve(address))


def rejected(reason, message, hint=""):
    return pb.Outcome(rejected=pb.Rejected(reason=reason, message=message, hint=hint))


def unknown():
    return rejected("outcome_unknown", "it was sent before, its outcome is not known, and it must not be done twice",
                    "find out whether it took effect, then resolve the step")
