import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parseLines, type RunningCli, runCli, startCli } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const MACHINE = `version: 1
events: [OPEN, BREAK, LATER, PARK, CLOSE]
states:
  INIT:
    on:
      OPEN: [{action: advance, state: WORK}]
      BREAK: [{action: advance, state: BROKEN}]
      PARK: [{action: advance, state: IDLE}]
  WORK:
    tasks: [good]
    on:
      NEXT: [{action: advance, state: IDLE}]
  BROKEN:
    tasks: [bad]
    on:
      NEXT: [{action: advance, state: IDLE}]
  IDLE:
    on:
      OPEN: [{action: advance, state: WORK}]
      CLOSE: [{action: advance, state: GONE}]
  GONE: {terminal: true}
tasks:
  good: {executor: lambda, config: {name: good}}
  bad: {executor: lambda, config: {name: bad}}
`;
/** Handles the failure of a task by moving on. */
const HANDLING = `version: 2
events: [OPEN, AGAIN, CLOSE]
states:
  INIT: {on: {OPEN: WORK}}
  WORK: {tasks: [bad], on: {NEXT: LIVE, FAILED: HURT}}
  LIVE: {on: {AGAIN: WORK}}
  HURT: {on: {AGAIN: WORK, CLOSE: GONE}}
  GONE: {terminal: true}
tasks:
  bad: {executor: lambda, config: {name: bad}}
`;
const CONFIG = {
  executors: {
    lambda: {
      mode: "local",
      functions: {
        good: { command: ["echo", '{"answer": 42}'] },
        bad: { command: ["sh", "-c", "echo no room >&2; exit 3"] },
      },
    },
  },
};

describe("commands over a running yard", () => {
  const { folder: cwd, remove } = makeTempProject({
    "stackyard.config.json": JSON.stringify(CONFIG),
    "machines/m.yaml": MACHINE,
    "machines/handling.yaml": HANDLING,
    "machines/broken.yaml": "version: 3\n",
  });
  const run = (...words: string[]) => runCli(words, { cwd });
  const send = (stack: string, event: string, ...rest: string[]) => run("send", stack, event, "--json", ...rest);
  /** Sends an event as a program that does not look at what becomes of it. */
  const sendBlindly = async (event: object) => {
    const token = readFileSync(join(cwd, ".stackyard/token"), "utf8").trim();
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    await fetch(`${url}/v1/events`, { method: "POST", headers, body: JSON.stringify(event) });
  };
  const runUntil = (pattern: RegExp, ...words: string[]) =>
    vi.waitFor(
      async () => {
        const result = await run(...words);
        expect(result.stdout).toMatch(pattern);
        return result;
      },
      { timeout: 20_000 },
    );
  let dev: RunningCli;
  let url = "";

  beforeAll(async () => {
    dev = startCli(["dev", "--port", "0", "--json"], { cwd });
    const ready = JSON.parse(await dev.line((line) => line.includes('"kind":"ready"')));
    url = ready.url;
  });

  afterAll(async () => {
    dev.interrupt();
    await dev.result;
    remove();
  });

  it("dev prints the address, the token file, executors and machines with their problems", async () => {
    const ready = JSON.parse(await dev.line((line) => line.includes('"kind":"ready"')));

    expect(ready).toMatchObject({
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      tokenFile: join(cwd, ".stackyard/token"),
      executors: ["terraform", "lambda", "command", "deploy", "gate"],
      machines: [
        {
          name: "broken",
          valid: false,
          problems: expect.arrayContaining([expect.objectContaining({ code: "version-unsupported" })]),
        },
        { name: "handling", valid: true },
        { name: "m", valid: true, problems: expect.anything() },
      ],
    });
  });

  it("send accepts an event, and waits for a state", { tags: "app" }, async () => {
    const accepted = await send("a", "OPEN", "--machine", "m", "--metadata", "sha=0123", "--metadata", "n:=5");
    const waited = await send("a", "LATER", "--wait", "--timeout", "3s");

    expect(accepted.exitCode).toBe(0);
    expect(parseLines(accepted.stdout)).toMatchObject([{ stackId: "a", event: "OPEN", outcome: "accepted" }]);
    expect(waited.exitCode).toBe(4);
    const shown = await run("stacks", "show", "a", "--json");
    expect(parseLines(shown.stdout)[0]).toMatchObject({ metadata: { sha: "0123", n: 5 } });
  });

  it("send says how to create a stack that is not there, and which machine may have been meant", async () => {
    // inngest PR 4638: success for what does not exist.
    const ignored = await run("send", "absent", "OPEN");
    const asJson = await run("send", "absent", "OPEN", "--json");
    const waited = await run("send", "absent", "OPEN", "--wait");
    const parked = await run("send", "absent-2", "OPEN", "--machine", "brokn", "--wait", "--timeout", "3s");
    const shown = await run("machines", "show", "brokn");

    expect([ignored.exitCode, ignored.stderr]).toEqual([
      1,
      expect.stringMatching(/Stack "absent" does not exist.*--machine NAME/),
    ]);
    const outcome = { stackId: "absent", event: "OPEN", outcome: "ignored", code: "STACK_UNKNOWN" };
    expect([asJson.exitCode, parseLines(asJson.stdout)]).toMatchObject([1, [outcome]]);
    expect([waited.exitCode, waited.stderr]).toEqual([1, expect.stringContaining("--machine NAME")]);
    expect(parked.stderr).toContain('Did you mean "broken"?');
    expect(shown.stderr).toContain('Did you mean "broken"?');
  });

  it("send says nothing of a missing stack where its own event has removed it", async () => {
    await send("brief", "PARK", "--machine", "m", "--wait");
    await send("brief", "CLOSE", "--id", "closing", "--until", "removed");

    const again = await run("send", "brief", "CLOSE", "--id", "closing");

    expect([again.exitCode, again.stderr]).toEqual([0, ""]);
  });

  it("send says at once what the state refuses, and ends with 1 where it can never apply", async () => {
    await send("refusing", "PARK", "--machine", "m", "--wait");

    const parked = await run("send", "refusing", "BREAK");
    const parkedAsJson = await send("refusing", "BREAK", "--metadata", "again=yes");
    const repeated = await send("refusing", "BREAK", "--metadata", "again=yes");
    const deadLetters = await run("send", "refusing", "OPNE");

    expect([parked.exitCode, parked.stdout]).toEqual([0, expect.stringMatching(/parked .*EVENT_NOT_HANDLED: .*BREAK/)]);
    expect(parked.stderr).toContain("`stackyard stacks show refusing`");
    expect(parseLines(parkedAsJson.stdout)).toMatchObject([{ outcome: "parked", code: "EVENT_NOT_HANDLED" }]);
    expect(parseLines(repeated.stdout)).toMatchObject([{ outcome: "ignored", code: "EVENT_REPEATED" }]);
    expect([deadLetters.exitCode, deadLetters.stdout]).toEqual([1, expect.stringContaining("EVENT_UNDECLARED")]);
    expect(deadLetters.stdout).toContain('Did you mean "OPEN"?');
  });

  it("suggests the stack or the state that was probably meant, before anything is sent", async () => {
    await send("suggested", "PARK", "--machine", "m", "--wait");

    const shown = await run("stacks", "show", "sugested");
    const history = await run("stacks", "history", "suggestd");
    const sent = await run("send", "sugested", "OPEN");
    const until = await run("send", "suggested", "OPEN", "--until", "idel");
    const far = await run("stacks", "show", "nothing-like-it");

    expect([shown, history, sent].map(({ stderr }) => stderr)).toEqual(
      [1, 2, 3].map(() => expect.stringContaining('Did you mean "suggested"?')),
    );
    expect([until.exitCode, until.stderr]).toEqual([64, expect.stringContaining('Did you mean "IDLE"?')]);
    expect(parseLines((await run("stacks", "show", "suggested", "--json")).stdout)[0]).toMatchObject({ state: "IDLE" });
    expect(far.stderr).toContain("`stackyard stacks ls` lists the stacks.");
  });

  it("send says DUPLICATE with what the id was used for", async () => {
    await send("reused", "PARK", "--machine", "m", "--id", "one", "--wait");
    await send("other", "PARK", "--machine", "m", "--id", "one", "--wait");

    const repeated = await run("send", "reused", "PARK", "--id", "one");
    const asJson = await send("reused", "PARK", "--id", "one");
    const waited = await run("send", "reused", "PARK", "--id", "one", "--wait");
    const another = await run("send", "reused", "OPEN", "--id", "one", "--json");
    const other = await run("send", "reused", "PARK", "--id", "one", "--metadata", "sha=bbbb", "--json");
    const otherWaited = await run(
      "send",
      "reused",
      "PARK",
      "--id",
      "one",
      "--metadata",
      "sha=bbbb",
      "--wait",
      "--json",
    );
    const elsewhere = await send("other", "CLOSE", "--id", "closing", "--wait");

    const reason = /The id "one" was used before for PARK of "reused" \(applied, .*Z\)\. Nothing was sent again\./;
    expect([repeated.exitCode, repeated.stdout]).toEqual([0, expect.stringMatching(/^DUPLICATE: The id "one"/)]);
    expect(repeated.stdout).toMatch(reason);
    expect(parseLines(asJson.stdout)).toMatchObject([
      { outcome: "ignored", code: "DUPLICATE", usedFor: { event: "PARK", outcome: "applied" } },
    ]);
    expect([waited.exitCode, waited.stderr]).toEqual([0, expect.stringMatching(reason)]);
    expect([another.exitCode, JSON.parse(another.stderr)]).toMatchObject([1, { error: { code: "DUPLICATE" } }]);
    for (const { exitCode, stderr } of [other, otherWaited])
      expect([exitCode, JSON.parse(stderr)]).toMatchObject([1, { error: { code: "DUPLICATE" } }]);
    expect(elsewhere.exitCode).toBe(0);
  });

  it("send --until waits for the state, and shows what the stack does", { tags: "app" }, async () => {
    const { exitCode, stdout } = await send("b", "OPEN", "--machine", "m", "--until", "IDLE", "--timeout", "20s");

    expect(exitCode).toBe(0);
    expect(parseLines(stdout).at(-1)).toMatchObject({ outcome: "applied", to: "WORK", stack: { state: "IDLE" } });
  });

  it("send --wait shows a parked event's code and reason at once, waits on, and ends when it was applied", async () => {
    await send("c", "PARK", "--machine", "m", "--wait");
    const waiting = startCli(["send", "c", "BREAK", "--wait", "--json"], { cwd });
    const parked = JSON.parse(await waiting.line((line) => line.includes('"kind":"parked"')));

    expect(parked).toMatchObject({ code: "EVENT_NOT_HANDLED", reason: expect.stringContaining("BREAK") });
    await send("c", "CLOSE", "--until", "removed");
    // Removed, the stack is unknown to an event without a machine.
    expect((await waiting.result).exitCode).toBe(1);
  });

  it("ends with 4 when the time is over, and explains why the event still waits", async () => {
    await send("d", "PARK", "--machine", "m", "--wait");

    const { exitCode, stderr } = await run("send", "d", "BREAK", "--wait", "--timeout", "3s");

    expect(exitCode).toBe(4);
    expect(stderr).toContain("EVENT_NOT_HANDLED");
    expect(stderr).toContain("stays parked");
  });

  it("ends with 1 when the event was refused, with its code, and leaves no dead letter", async () => {
    const { exitCode, stdout, stderr } = await send("d", "NEVER", "--wait");
    const letters = await run("events", "ls", "--stack", "d", "--json");

    expect(exitCode).toBe(1);
    expect(letters.stdout).not.toContain("NEVER");
    expect(parseLines(stdout).at(-1)).toMatchObject({ outcome: "refused", code: "EVENT_UNDECLARED" });
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: "OUTCOME_NEGATIVE" } });
  });

  it("ends with 2 when a task fails on the way, and the stack can be inspected, retried and settled", async () => {
    const failed = await send("e", "BREAK", "--machine", "m", "--until", "IDLE");
    const shown = await run("stacks", "show", "e", "--log");
    const listed = await run("stacks", "ls", "--condition", "failed", "--json");
    const retried = await run("stacks", "retry", "e", "--json");

    expect(failed.exitCode).toBe(2);
    expect(shown.stdout).toMatch(/BROKEN[\s\S]*bad[\s\S]*ERROR[\s\S]*LAMBDA_\w+[\s\S]*Log of bad/);
    expect((await run("stacks", "history", "e")).stdout).toMatch(/TASK_ERROR bad {2}applied {2}BROKEN {2}LAMBDA_\w+: /);
    expect(parseLines(listed.stdout).map(({ id }) => id)).toEqual(["e"]);
    expect(parseLines(retried.stdout)).toMatchObject([{ stackId: "e", outcome: "applied" }]);

    const settled = await run("stacks", "settle", "e", "bad", "--reason", "made by hand");
    expect([settled.exitCode, settled.stdout]).toEqual([0, "e counts bad as done.\n"]);
    expect(parseLines((await run("stacks", "show", "e", "--json")).stdout)).toMatchObject([{ state: "IDLE" }]);
  });

  it("send --until ends at once with 2 and the cause when the machine handles the failure, and not when that is wanted", async () => {
    const failed = await send("h", "OPEN", "--machine", "handling", "--until", "LIVE");
    const again = await run("send", "h", "AGAIN", "--until", "LIVE", "--until", "removed");
    const wanted = await send("h", "AGAIN", "--until", "HURT");

    expect([failed.exitCode, again.exitCode, wanted.exitCode]).toEqual([2, 2, 0]);
    expect(JSON.parse(failed.stderr)).toMatchObject({
      error: {
        code: "LEFT_BEHIND",
        message: expect.stringMatching(/task "bad" failed in WORK \(LAMBDA_\w+: .*no room/),
        failure: { task: "bad", state: "WORK", attempt: 1, code: expect.stringContaining("LAMBDA_") },
      },
    });
    expect(again.stderr).toMatch(/^error LEFT_BEHIND Stack "h" will not be in LIVE or removed: task "bad" failed/m);
  });

  it("the last failure, its log and what to do are there although the stack has moved on", async () => {
    const shown = await run("stacks", "show", "h");
    const listed = await run("stacks", "ls", "--prefix", "h");
    const json = parseLines((await run("stacks", "ls", "--prefix", "h", "--json")).stdout);
    const retried = await run("stacks", "retry", "h");
    const history = await run("stacks", "history", "h");

    expect(shown.stdout).toMatch(/Last failure\n {2}bad of WORK {2}LAMBDA_\w+ {2}attempt 1, .* ago[\s\S]*no room/);
    expect(listed.stdout).toMatch(/LAST FAILURE\nh .*bad LAMBDA_\w+ .* ago: /);
    expect(json).toMatchObject([{ id: "h", state: "HURT", lastFailure: { task: "bad", state: "WORK" } }]);
    expect(retried.stdout).toContain('"bad" failed in WORK, which the stack has left.');
    expect(retried.stdout).toContain("stackyard send h AGAIN");
    expect(history.stdout).toMatch(/TASK_ERROR bad .*no room/);
  });

  it("stacks logs shows logs of ended attempts by task, attempt and entry, also of a stack that is gone", async () => {
    const newest = await run("stacks", "logs", "h");
    const first = await run("stacks", "logs", "h", "bad", "--attempt", "1", "--entry", "1", "--json");
    const followed = await run("stacks", "logs", "h", "bad", "--follow");
    const missing = await run("stacks", "logs", "h", "good");
    const never = await run("stacks", "logs", "d");
    const unknown = await run("stacks", "logs", "unknown");
    await send("h", "CLOSE", "--until", "removed");
    const gone = await run("stacks", "logs", "h");

    expect(newest.stdout).toMatch(/^── bad, attempt 1 of entry \d+: failed\n[\s\S]*no room/);
    expect(parseLines(first.stdout)).toMatchObject([
      {
        task: "bad",
        entry: 1,
        attempt: 1,
        status: "settled",
        outcome: "failed",
        text: expect.stringContaining("no room"),
      },
    ]);
    expect([followed.exitCode, followed.stdout]).toEqual([0, newest.stdout]);
    expect([gone.exitCode, gone.stdout]).toEqual([0, newest.stdout]);
    expect([missing.exitCode, missing.stderr]).toEqual([1, expect.stringContaining("It has attempts of bad")]);
    expect([never.exitCode, never.stderr]).toEqual([1, expect.stringContaining('Stack "d" has no stored attempts')]);
    expect([unknown.exitCode, unknown.stderr]).toEqual([1, expect.stringContaining("STACK_UNKNOWN")]);
  });

  it("stacks retry says so where nothing is to be tried again", async () => {
    await send("calm", "PARK", "--machine", "m", "--wait");

    const failed = await run("stacks", "retry", "calm");
    const pending = await run("stacks", "retry", "calm", "--pending");

    const instead = [
      "  To continue, send an event that calm handles now:",
      "    stackyard send calm OPEN",
      "    stackyard send calm CLOSE\n",
    ].join("\n");
    expect([failed.exitCode, failed.stdout]).toEqual([
      0,
      `calm has no failed task; nothing was sent again.\n${instead}`,
    ]);
    expect([pending.exitCode, pending.stdout]).toEqual([
      0,
      `calm has no pending task; nothing was sent again.\n${instead}`,
    ]);
    await send("calm", "CLOSE", "--until", "removed");
  });

  it("stacks ls shows a table to people and nothing to say about no stacks", async () => {
    const listed = await run("stacks", "ls", "--prefix", "e");
    const none = await run("stacks", "ls", "--state", "GONE", "--prefix", "e");

    expect(listed.stdout).toMatch(
      /^STACK {2}MACHINE {2}STATE {2}TASKS {2}FOR {2}LAST FAILURE\ne {6}m {8}IDLE .*bad LAMBDA_\w+ \d+s ago, resolved\n$/,
    );
    expect([none.exitCode, none.stdout, none.stderr]).toEqual([0, "", "No stack matches --state GONE --prefix e.\n"]);
  });

  it("stacks history prints what happened, oldest first, also after removal", async () => {
    const { stdout } = await run("stacks", "history", "c", "--json");
    const none = await run("stacks", "history", "unknown", "--json");

    const lines = parseLines(stdout).map(({ event, outcome }) => `${event} ${outcome}`);
    expect(lines.slice(0, 3)).toEqual(["PARK applied", "BREAK parked", "CLOSE removed"]);
    expect([none.exitCode, none.stdout]).toEqual([1, ""]);
    expect(JSON.parse(none.stderr)).toMatchObject({ error: { code: "STACK_UNKNOWN" } });
  });

  it("stacks watch follows a stack until it is removed", async () => {
    await send("f", "PARK", "--machine", "m", "--wait");
    const watch = startCli(["stacks", "watch", "f", "--since", "0", "--json"], { cwd });
    await watch.line((line) => line.includes('"PARK"'));
    await send("f", "CLOSE");

    const { exitCode, stdout } = await watch.result;

    expect([exitCode, parseLines(stdout).map(({ event }) => event)]).toEqual([0, ["PARK", "CLOSE"]]);
  });

  it("stacks watch ends with 130 when it is interrupted", async () => {
    const watch = startCli(["stacks", "watch", "--since", "0"], { cwd });
    await watch.line(() => true);

    watch.interrupt();

    expect((await watch.result).exitCode).toBe(130);
  });

  it("stacks remove requires --force and a reason", async () => {
    const careful = await run("stacks", "remove", "e");
    const removed = await run("stacks", "remove", "e", "--force", "--reason", "test");

    expect([careful.exitCode, removed.exitCode]).toEqual([64, 0]);
    expect((await run("stacks", "show", "e")).exitCode).toBe(1);
  });

  it("stacks cancel and settle take the task after the stack, and in no other way", async () => {
    const commands = [
      ["cancel", "unknown", "good"],
      ["settle", "unknown", "good", "--reason", "r"],
      ["cancel", "unknown"],
      ["cancel", "unknown", "--task", "good"],
      ["settle", "unknown", "--reason", "r"],
    ];

    const codes = await Promise.all(commands.map(async (words) => (await run("stacks", ...words)).exitCode));

    expect(codes).toEqual([1, 1, 64, 64, 64]);
  });

  it("stacks cancel reports a task that does not run", async () => {
    const { exitCode, stderr } = await run("stacks", "cancel", "d", "good");

    expect(exitCode).toBe(1);
    expect(stderr).toContain("TASK_NOT_CURRENT");
  });

  it("events ls and stacks show explain an event that waits for its stack to be created", async () => {
    await send("early", "OPEN", "--machine", "broken", "--id", "early-1");

    const shown = await runUntil(/MACHINE_INVALID/, "stacks", "show", "early");
    const asJson = await run("stacks", "show", "early", "--json");
    const listed = await run("events", "ls", "--stack", "early");
    const parked = await run("events", "ls", "--parked", "--stack", "early", "--json");
    const deadLetters = await run("events", "ls", "--dead-letters", "--stack", "early");

    expect(shown.exitCode).toBe(1);
    expect(shown.stdout).toMatch(/Waiting events\n +OPEN +MACHINE_INVALID .*Tried again at .* early-1/);
    expect(shown.stderr).toContain('Stack "early" does not exist yet; 1 event waits for it.');
    expect(shown.stderr).toContain("`stackyard machines show broken`");
    expect(parseLines(asJson.stdout)).toMatchObject([{ id: "early", parked: [{ eventId: "early-1" }] }]);
    expect(listed.stdout).toMatch(/early-1 +early \(does not exist yet\) +OPEN +parked +MACHINE_INVALID/);
    expect(listed.stderr).toBe("No dead-lettered event that matches --stack early.\n");
    expect(parseLines(parked.stdout)).toMatchObject([{ outcome: "parked", eventId: "early-1", machine: "broken" }]);
    expect([deadLetters.stdout, deadLetters.stderr]).toEqual([
      "",
      "No dead-lettered event that matches --stack early.\n",
    ]);
  });

  it("events ls shows the dead letters, and redrive sends it again", async () => {
    await sendBlindly({ stackId: "d", event: "NEVER" });
    const words = ["events", "ls", "--stack", "d", "--code", "EVENT_UNDECLARED", "--json"];
    const [first] = parseLines((await runUntil(/NEVER/, ...words)).stdout);
    const sent = await run("events", "redrive", String(first?.["id"]), "unknown", "--json");

    expect(first).toMatchObject({ stackId: "d", event: "NEVER", code: "EVENT_UNDECLARED" });
    expect(parseLines(sent.stdout)).toEqual([
      { id: first?.["id"], redriven: true },
      { id: "unknown", redriven: false },
    ]);
    expect([sent.exitCode, (await run("events", "redrive")).exitCode]).toEqual([1, 64]);
  });

  it("events dismiss removes dead letters, and needs a reason", async () => {
    await sendBlindly({ stackId: "typo-1", event: "NEVER", machine: "m" });
    const [letter] = parseLines((await runUntil(/NEVER/, "events", "ls", "--stack", "typo-1", "--json")).stdout);
    const id = String(letter?.["id"]);

    const without = await run("events", "dismiss", id);
    const dismissed = await run("events", "dismiss", id, "unknown", "--reason", "a typo", "--json");
    const all = await run("events", "dismiss", "--all", "--stack", "typo-1", "--reason", "a typo");

    expect(without).toMatchObject({ exitCode: 64, stderr: expect.stringContaining("--reason") });
    expect(parseLines(dismissed.stdout)).toEqual([
      { id, dismissed: true },
      { id: "unknown", dismissed: false },
    ]);
    expect(all.stderr).toBe("No dead-lettered event that matches --stack typo-1.\n");
  });

  // agentgate#70: what was withdrawn stays in the queue. langwatch#7127: a bulk discard leaves no record of who did it.
  it("events withdraw ends parked events, alone and in bulk, and needs a reason", async () => {
    const event = await run("send", "wrong-1", "OPENED", "--machine", "broken", "--json");
    await run("send", "wrong-2", "OPENED", "--machine", "broken");
    await run("send", "wrong-3", "OPENED", "--machine", "broken");
    const id = `wrong-1/${parseLines(event.stdout)[0]?.["eventId"]}`;
    const listed = await run("events", "ls", "--parked", "--stack", "wrong-1", "--json");

    const without = await run("events", "withdraw", id);
    const withdrawn = await run("events", "withdraw", id, "unknown", "--reason", "a typo", "--json");
    const all = await run("events", "withdraw", "--all", "--stack", "wrong-2", "--reason", "a typo");
    const words = ["bulk", "run", "withdraw", "--stack", "wrong-3"];
    const [plan] = parseLines((await run(...words, "--dry-run", "--json")).stdout);
    const bulk = await run(...words, "--plan", String(plan?.["digest"]), "--reason", "a typo");

    expect(parseLines(listed.stdout)[0]).toMatchObject({ outcome: "parked", id });
    expect(without).toMatchObject({ exitCode: 64, stderr: expect.stringContaining("--reason") });
    expect(parseLines(withdrawn.stdout)).toEqual([
      { id, withdrawn: true },
      { id: "unknown", withdrawn: false },
    ]);
    expect(all).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^wrong-2\/\S+ was withdrawn\.\n$/) });
    expect(bulk).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("1 withdrawn") });
    const history = await run("stacks", "history", "wrong-1");
    expect(history.stdout).toMatch(/EVENT_WITHDRAWN.*a typo/);
    expect((await run("events", "ls", "--parked", "--json")).stdout).not.toContain("wrong-");
  });

  it("machines ls and show print what the server knows", async () => {
    const listed = await run("machines", "ls", "--json");
    const shown = await run("machines", "show", "m");
    const unknown = await run("machines", "show", "unknown");

    expect(parseLines(listed.stdout).map(({ name, status }) => `${name} ${status}`)).toEqual([
      "broken invalid",
      "handling valid",
      "m valid",
    ]);
    expect(shown.stdout).toMatch(/events {2}OPEN, BREAK, LATER, PARK, CLOSE/);
    expect(unknown.exitCode).toBe(1);
  });

  it("dev reads a machine again when its file changes, and says so", async () => {
    writeFileSync(join(cwd, "machines/late.yaml"), MACHINE);
    const added = JSON.parse(await dev.line((line) => line.includes('"change":"added"')));
    writeFileSync(join(cwd, "machines/late.yaml"), "version: 1\n");
    const changed = JSON.parse(await dev.line((line) => line.includes('"change":"changed"')));

    expect([added, changed]).toMatchObject([
      { kind: "machine", name: "late", valid: true },
      { kind: "machine", name: "late", valid: false, problems: expect.anything() },
    ]);
  });

  it("doctor sees the server and the store in use", async () => {
    const { stdout } = await run("doctor", "--json");

    const found = new Map(parseLines(stdout).map(({ check, ...finding }) => [check, finding]));
    expect(found.get("server")).toMatchObject({ status: "ok" });
    const message = `${join(cwd, ".stackyard")}: in use by this project's yard (process ${process.pid}).`;
    expect(found.get("store")).toEqual({ status: "ok", message });
  });

  it("takes address and token from flags and environment, and never sends the project's token elsewhere", async () => {
    const token = readFileSync(join(cwd, ".stackyard/token"), "utf8").trim();
    const byFlags = await runCli(["stacks", "ls", "--url", url, "--token", token], { cwd: "/" });
    const byEnv = await runCli(["stacks", "ls"], { cwd: "/", env: { STACKYARD_URL: url, STACKYARD_TOKEN: token } });
    const without = await runCli(["stacks", "ls", "--url", url], { cwd: "/" });
    const wrong = await runCli(["stacks", "ls", "--url", url, "--token", "wrong-token-wrong-token"], { cwd: "/" });

    expect([byFlags, byEnv, without, wrong].map(({ exitCode }) => exitCode)).toEqual([0, 0, 3, 3]);
    expect(wrong.stderr).toContain("STACKYARD_TOKEN");
  });

  it("a second dev could not start, and names who has the store", async () => {
    const { exitCode, stderr } = await run("dev", "--port", "0");

    expect(exitCode).toBe(3);
    expect(stderr).toContain(`process ${process.pid}`);
  });

  it("dev could not start on a port that is taken, and leaves no lock behind", async () => {
    const other = makeTempProject({ "stackyard.config.json": "{}" });
    const taken = await runCli(["dev", "--port", new URL(url).port], { cwd: other.folder });

    expect(taken.exitCode).toBe(3);
    expect(existsSync(join(other.folder, ".stackyard/stackyard.lock"))).toBe(false);
    other.remove();
  });

  it("dev requires no token on this machine only", async () => {
    const other = makeTempProject({ "stackyard.config.json": "{}" });
    const open = await runCli(["dev", "--port", "0", "--host", "0.0.0.0", "--no-token"], { cwd: other.folder });

    expect([open.exitCode, open.stderr]).toEqual([3, expect.stringContaining("loopback")]);
    other.remove();
  });
});

describe("without a yard", () => {
  it("says how to start one", async () => {
    const { folder, remove } = makeTempProject({ "stackyard.config.json": "{}" });
    const { exitCode, stderr } = await runCli(["stacks", "ls"], { cwd: folder });
    remove();

    expect([exitCode, stderr]).toEqual([3, expect.stringContaining("Start it with `stackyard dev`")]);
  });

  it("reports a stopped server and a wrong address", async () => {
    const dead = await runCli(["stacks", "ls", "--url", "http://127.0.0.1:1", "--token", "t"]);
    const wrong = await runCli(["stacks", "ls", "--url", "ftp://x", "--token", "t"]);

    expect([dead.exitCode, wrong.exitCode]).toEqual([3, 3]);
    expect(dead.stderr).toContain("http://127.0.0.1:1");
    expect(dead.stderr).toContain("stackyard dev");
  });
});
