import { connectionReset } from "@stackyard/aws-sim";
import { type Records, StackyardError } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import type { RunCommandConfig } from "./definition.ts";
import { aSimFleet, type SimFleet } from "./testing/a-sim-fleet.ts";

const shell: RunCommandConfig = { document: "AWS-RunShellScript", parameters: { commands: ["true"] } };

function refusal(name: string, httpStatusCode = 400): Error {
  return Object.assign(new Error(`Told to: ${name}`), { name, $metadata: { httpStatusCode } });
}

/** The next so many calls end in this way. */
function failNext(fleet: SimFleet, operation: string, error: Error, times = 1): void {
  for (let count = 0; count < times; count += 1) {
    fleet.sim.once(operation, async () => {
      throw error;
    });
  }
}

/** SSM takes the next command, and the answer does not come back. */
function loseNextAnswer({ sim }: ReturnType<typeof aSimFleet>): void {
  sim.once("SSM.SendCommand", async (proceed) => {
    await proceed();
    throw connectionReset();
  });
}

describe("a run that SSM makes difficulties", () => {
  it.each([
    ["ThrottlingException", 400],
    ["TooManyRequestsException", 429],
    ["RequestLimitExceeded", 503],
    ["InternalServerError", 500],
    ["SomethingNew", 502],
  ])("tries again after %s", async (name, status) => {
    const fleet = aSimFleet();
    fleet.addMany(2);
    failNext(fleet, "SSM.SendCommand", refusal(name, status), 3);

    const { step } = await fleet.run(shell);

    expect(step).toMatchObject({ kind: "succeeded", outputs: { succeeded: 2 } });
    expect(fleet.sim.ssm.listCommands()).toHaveLength(1);
  });

  it("gives up after ten tries, and says that a retry helps", async () => {
    const fleet = aSimFleet();
    fleet.addMany(60);
    failNext(fleet, "SSM.SendCommand", refusal("ThrottlingException"), 10);

    const { step } = await fleet.run(shell);

    expect(step).toMatchObject({ kind: "failed", code: "SSM_THROTTLED", retryable: true, outputs: { failed: 50 } });
    expect(fleet.sim.ssm.listCommands()).toEqual([]);
    const { first, instances } = await fleet.report();
    expect(first?.counts).toMatchObject({ selected: 60, failed: 0, notSent: 60 });
    expect(instances[0]).toMatchObject({ state: "not-sent", code: "NOT_SENT", detailedStatus: "SSM_THROTTLED" });
    expect(instances[59]).toMatchObject({ state: "not-sent", code: "NOT_SENT" });
  });

  it("does not send again what was taken although the answer was lost", async () => {
    const fleet = aSimFleet();
    fleet.addMany(2);
    fleet.sim.ssm.set({ commandLagMs: 3_000 });
    loseNextAnswer(fleet);

    const { step } = await fleet.run(shell);

    expect(step).toMatchObject({ kind: "succeeded", outputs: { succeeded: 2 } });
    expect(fleet.sim.ssm.listCommands()).toHaveLength(1);
  });

  it("finds what was taken although the answers of all tries were lost", async () => {
    const fleet = aSimFleet();
    fleet.addMany(2);
    failNext(fleet, "SSM.SendCommand", connectionReset(), 9);
    loseNextAnswer(fleet);

    const { step } = await fleet.run(shell);

    expect(step).toMatchObject({ kind: "succeeded", outputs: { succeeded: 2 } });
    expect(fleet.sim.ssm.listCommands()).toHaveLength(1);
  });

  it("does not call an instance not sent to while SSM does not say whether it was", async () => {
    const fleet = aSimFleet();
    fleet.addMany(60);
    loseNextAnswer(fleet);
    failNext(fleet, "SSM.ListCommands", refusal("ServiceUnavailable", 503), 15);

    const { step } = await fleet.run({ ...shell, maxConcurrency: "100%" });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { succeeded: 60 } });
    expect(fleet.sim.ssm.listCommands()).toHaveLength(2);
  });

  it.each([
    ["InvalidDocument", "INVALID_DOCUMENT"],
    ["InvalidDocumentVersion", "INVALID_DOCUMENT_VERSION"],
    ["InvalidParameters", "INVALID_PARAMETERS"],
    ["UnsupportedPlatformType", "UNSUPPORTED_PLATFORM_TYPE"],
    ["InvalidOutputFolder", "INVALID_OUTPUT_FOLDER"],
    ["InvalidRole", "INVALID_ROLE"],
    ["InvalidNotificationConfig", "INVALID_NOTIFICATION_CONFIG"],
    ["MaxDocumentSizeExceeded", "MAX_DOCUMENT_SIZE_EXCEEDED"],
    ["DuplicateInstanceId", "DUPLICATE_INSTANCE_ID"],
    ["AccessDeniedException", "ACCESS_DENIED"],
  ])("does not repeat %s", async (name, code) => {
    const fleet = aSimFleet();
    fleet.addMany(2);
    failNext(fleet, "SSM.SendCommand", refusal(name));

    const { step } = await fleet.run(shell);

    expect(step).toMatchObject({ kind: "failed", code, retryable: false, message: expect.stringContaining("Told to") });
    expect(fleet.sim.ssm.listCommands()).toEqual([]);
  });

  it("sends again to an instance that SSM lists as online and does not know yet", async () => {
    const fleet = aSimFleet();
    fleet.addMany(2);
    const begunAt = fleet.clock.now();
    failNext(fleet, "SSM.SendCommand", refusal("InvalidInstanceId"), 4);

    const { step } = await fleet.run(shell);

    expect(step).toMatchObject({ kind: "succeeded", outputs: { succeeded: 2 } });
    expect(fleet.clock.now() - begunAt).toBeGreaterThan(60_000);
  });

  it("sends to the others when SSM continues refusing an instance that it lists as online", async () => {
    const fleet = aSimFleet();
    const [first] = fleet.addMany(3);
    fleet.sim.intercept(({ operation, input }, proceed) => {
      const isRefused = operation === "SendCommand" && JSON.stringify(input).includes(String(first));
      return isRefused ? Promise.reject(refusal("InvalidInstanceId")) : proceed();
    });

    const { step } = await fleet.run({ ...shell, maxConcurrency: "1" });

    expect(step).toMatchObject({ kind: "failed", code: "SSM_NOT_ONLINE", outputs: { succeeded: 2, failed: 1 } });
    const { instances } = await fleet.report();
    expect(instances.map(({ state }) => state)).toEqual(["failed", "succeeded", "succeeded"]);
  });

  it("lets what runs run when a later chunk is rejected", async () => {
    const fleet = aSimFleet();
    fleet.addMany(60);
    fleet.sim.once("SSM.SendCommand", (proceed) => proceed());
    failNext(fleet, "SSM.SendCommand", refusal("InvalidDocument"));

    const { step } = await fleet.run({ ...shell, maxConcurrency: "100%" });

    expect(step).toMatchObject({ kind: "failed", code: "INVALID_DOCUMENT", outputs: { succeeded: 50, failed: 10 } });
  });

  it("resends what SSM rejected because the account had too many commands", async () => {
    const fleet = aSimFleet();
    fleet.addMany(3);
    fleet.sim.ssm.set({ pendingInvocations: 2 });
    const run = fleet.run(shell);
    // Others have finished by the time of the third try.
    fleet.sim.once("SSM.SendCommand", (proceed) => proceed());
    fleet.sim.once("SSM.SendCommand", (proceed) => proceed());
    fleet.sim.once("SSM.SendCommand", (proceed) => {
      fleet.sim.ssm.set({ pendingInvocations: 100 });
      return proceed();
    });

    expect((await run).step).toMatchObject({ kind: "succeeded", outputs: { succeeded: 3 } });
    expect(fleet.sim.ssm.listCommands()).toHaveLength(3);
  });

  it("keeps watching during an outage", async () => {
    const fleet = aSimFleet();
    fleet.addMany(2);
    failNext(fleet, "SSM.ListCommandInvocations", refusal("ServiceUnavailable", 503), 25);

    expect((await fleet.run(shell)).step).toMatchObject({ kind: "succeeded" });
  });

  it("continues after an outage of its records, while its commands run on", async () => {
    const fleet = aSimFleet();
    fleet.addMany(2);
    const { records } = fleet;
    let puts = 0;
    const put: Records["put"] = async (input) => {
      puts += 1;
      if (puts >= 3 && puts < 8) throw new StackyardError("STORE_UNAVAILABLE", "The store does not respond.");
      return records.put(input);
    };

    const { step } = await fleet.run(shell, { context: { records: { ...records, put } } });

    expect(step).toMatchObject({ kind: "succeeded", outputs: { succeeded: 2 } });
    expect(puts).toBeGreaterThan(8);
    expect(fleet.sim.ssm.listCommands()).toHaveLength(1);
  });

  it("fails after a long outage of SSM, so that another attempt can continue", async () => {
    const fleet = aSimFleet();
    fleet.addMany(2);
    failNext(fleet, "SSM.ListCommandInvocations", refusal("ServiceUnavailable", 503), 500);

    expect((await fleet.run(shell)).step).toMatchObject({ kind: "failed", code: "AWS_UNAVAILABLE", retryable: true });
  });

  it.each([
    ["RequestLimitExceeded", "AWS_UNAVAILABLE", true],
    ["UnauthorizedOperation", "ACCESS_DENIED", false],
  ])("fails the attempt when instances cannot be listed: %s", async (name, code, retryable) => {
    const fleet = aSimFleet();
    fleet.add();
    failNext(fleet, "EC2.DescribeInstances", refusal(name), 10);

    expect((await fleet.run(shell)).step).toMatchObject({ kind: "failed", code, retryable });
  });

  it("rejects an invalid config before any call of AWS", async () => {
    const fleet = aSimFleet();

    const { step } = await fleet.run({ ...shell, profile: "ansible", timeout: "49h", deliveryTimeout: "5s" });

    expect(step).toMatchObject({ kind: "failed", code: "CONFIG_INVALID" });
    for (const part of ["/timeout", "/deliveryTimeout", "/profile"])
      expect(step).toHaveProperty("message", expect.stringContaining(part));
  });

  it.each([
    [{ profile: "nope" }, "PROFILE_UNKNOWN"],
    [{ profile: "ansible" }, "ARTIFACT_MISSING"],
  ])("fails with the code of the profile: %j", async (config, code) => {
    const fleet = aSimFleet();
    fleet.add();

    expect((await fleet.run(config)).step).toMatchObject({ kind: "failed", code, retryable: false });
  });
});
