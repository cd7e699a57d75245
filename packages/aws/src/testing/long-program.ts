import { createInterface } from "node:readline";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

/**
 * A program that runs as long as its input: each line is the present time, at which it calls AWS with the credentials of its
 * environment, by one client of the SDK. Prints who it is.
 */
let now = 0;
const SystemDate = Date;
globalThis.Date = new Proxy(SystemDate, {
  construct: (target, given) => (given.length === 0 ? new target(now) : Reflect.construct(target, given)),
  get: (target, name) => (name === "now" ? () => now : Reflect.get(target, name)),
});

const sts = new STSClient({ maxAttempts: 1 });
for await (const line of createInterface(process.stdin)) {
  now = Number(line);
  const { accessKeyId = "" } = await sts.config.credentials().catch(() => ({ accessKeyId: "none" }));
  const who = await sts.send(new GetCallerIdentityCommand({})).then(
    ({ Arn }) => Arn,
    (error: unknown) => (error instanceof Error ? error.name : String(error)),
  );
  process.stdout.write(`${accessKeyId} ${who}\n`);
}
