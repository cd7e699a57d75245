import { CloudWatchLogsClient, GetLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { mockClient } from "aws-sdk-client-mock";
import fc from "fast-check";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { boundLines, MAX_TAIL_BYTES, MAX_TAIL_LINES, tailLogs } from "./tail-logs.ts";

const client = mockClient(CloudWatchLogsClient);

afterAll(() => client.restore());
const deps = { logs: new CloudWatchLogsClient({ region: "eu-west-1" }), signal: new AbortController().signal };
const options = { "awslogs-group": "/web", "awslogs-stream-prefix": "ecs" };
const container = { name: "app", logConfiguration: { logDriver: "awslogs", options } };
const taskArn = "arn:aws:ecs:eu-west-1:111122223333:task/web/96052dc0";

function events(...messages: readonly string[]) {
  return messages.map((message) => ({ message }));
}

describe("tailLogs", () => {
  beforeEach(() => client.reset());

  it("reads the end of the container's stream", async () => {
    client
      .on(GetLogEventsCommand)
      .resolves({ events: events("a", "b"), nextForwardToken: "f1", nextBackwardToken: "b1" });
    client.on(GetLogEventsCommand, { nextToken: "b1" }).resolves({ events: [], nextBackwardToken: "b1" });

    const tail = await tailLogs(deps, { taskArn, container });

    expect(tail).toEqual({ kind: "lines", lines: ["a", "b"], next: "f1", group: "/web", stream: "ecs/app/96052dc0" });
    expect(client.commandCalls(GetLogEventsCommand)[0]?.args[0].input).toEqual({
      logGroupName: "/web",
      logStreamName: "ecs/app/96052dc0",
      limit: 50,
      startFromHead: false,
    });
  });

  it("goes back over pages that are empty although there is more", async () => {
    client.on(GetLogEventsCommand).resolves({ events: [], nextForwardToken: "f1", nextBackwardToken: "b1" });
    client.on(GetLogEventsCommand, { nextToken: "b1" }).resolves({ events: events("b"), nextBackwardToken: "b2" });
    client.on(GetLogEventsCommand, { nextToken: "b2" }).resolves({ events: events("a"), nextBackwardToken: "b2" });

    expect(await tailLogs(deps, { taskArn, container })).toMatchObject({ lines: ["a", "b"], next: "f1" });
  });

  it("goes on where an earlier answer ended", async () => {
    client.on(GetLogEventsCommand, { nextToken: "f1" }).resolves({ events: events("c"), nextForwardToken: "f2" });
    client.on(GetLogEventsCommand, { nextToken: "f2" }).resolves({ events: events("d"), nextForwardToken: "f2" });

    expect(await tailLogs(deps, { taskArn, container, after: "f1" })).toMatchObject({ lines: ["c", "d"], next: "f2" });
  });

  it("counts new lines that there is no room for", async () => {
    const many = Array.from({ length: 70 }, (_, index) => `line ${index}`);
    client.on(GetLogEventsCommand, { nextToken: "f1" }).resolves({ events: events(...many), nextForwardToken: "f1" });

    expect(await tailLogs(deps, { taskArn, container, after: "f1" })).toMatchObject({
      lines: many.slice(20),
      skipped: 20,
    });
  });

  it("is none where there is no client to be had", async () => {
    const noClient = {
      get logs(): never {
        throw new Error("No AWS.");
      },
      signal: deps.signal,
    };

    expect(await tailLogs(noClient, { taskArn, container })).toEqual({
      kind: "none",
      why: "the log /web ecs/app/96052dc0 could not be read (Error)",
    });
  });

  it("masks lines, splits messages, and takes control characters out", async () => {
    client.on(GetLogEventsCommand).resolves({ events: events("\u001b[31mpw\r\n", "x\ny\tz\n") });

    const tail = await tailLogs(deps, { taskArn, container, mask: (line) => line.replaceAll("pw", "***") });

    expect(tail).toMatchObject({ lines: ["[31m***", "x", "y\tz"] });
  });

  it.each([
    ["ResourceNotFoundException", "there is no log /web ecs/app/96052dc0"],
    [
      "AccessDeniedException",
      "the log /web ecs/app/96052dc0 could not be read (AccessDeniedException); allow logs:GetLogEvents",
    ],
    ["ThrottlingException", "the log /web ecs/app/96052dc0 could not be read (ThrottlingException)"],
  ])("says why there are no lines after %s", async (name, why) => {
    client.on(GetLogEventsCommand).rejects(Object.assign(new Error("no"), { name }));

    expect(await tailLogs(deps, { taskArn, container })).toEqual({ kind: "none", why });
  });

  it("says that another driver's log is elsewhere", async () => {
    const tail = await tailLogs(deps, {
      taskArn,
      container: { name: "app", logConfiguration: { logDriver: "splunk" } },
    });

    expect(tail).toEqual({ kind: "none", why: "container app logs with splunk, not awslogs" });
    expect(client.calls()).toEqual([]);
  });
});

describe("a log in another region", () => {
  it("is not read, and its place is told", async () => {
    client.reset();
    const logConfiguration = { logDriver: "awslogs", options: { ...options, "awslogs-region": "us-east-1" } };

    const tail = await tailLogs(deps, { taskArn, container: { name: "app", logConfiguration } });

    expect(tail).toEqual({ kind: "none", why: "its log /web is in us-east-1" });
    expect(client.calls()).toEqual([]);
  });
});

describe("boundLines", () => {
  it("keeps the last ones", () => {
    const lines = Array.from({ length: 60 }, (_, index) => `line ${index}`);

    expect(boundLines(lines)).toEqual(lines.slice(10));
    expect(boundLines(lines, 3)).toEqual(lines.slice(57));
    expect(boundLines(lines, 0)).toEqual([]);
  });

  it("keeps the end of a line that does not fit", () => {
    const [line = ""] = boundLines([`${"ä".repeat(9_000)}END`]);

    expect(line).toMatch(/^…ä+END$/);
    expect(Buffer.byteLength(line)).toBeLessThanOrEqual(MAX_TAIL_BYTES);
  });

  it("never has more lines or bytes than a tail may have, and always the last line's end", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: "grapheme", maxLength: 4_000 }), { minLength: 1, maxLength: 80 }),
        (lines) => {
          const kept = boundLines(lines);

          expect(kept.length).toBeLessThanOrEqual(MAX_TAIL_LINES);
          expect(Buffer.byteLength(kept.join("\n"))).toBeLessThanOrEqual(MAX_TAIL_BYTES);
          if (kept.length > 1) expect(kept).toEqual(lines.slice(-kept.length));
        },
      ),
      { numRuns: 50 },
    );
  });
});
