import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { App, Stack } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toQueueAddress } from "./queues.ts";
import { TaskRunner } from "./task-runner.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stackyard-cdk-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const address = (name: string) => toQueueAddress(`arn:aws:sqs:eu-west-1:111122223333:${name}`);
const queues = { events: address("e"), tasks: address("t"), taskDeadLetters: address("d") };

/** Synthesises a runner of a file, and gives the asset's hash and folder. */
function synthesize(entry: string): { readonly hash: string; readonly path: string } {
  const app = new App({
    outdir: mkdtempSync(join(folder, "out-")),
    analyticsReporting: false,
    builtinCloudFormationValidation: false,
  });
  const stack = new Stack(app, "runner");
  new TaskRunner(stack, "TaskRunner", { entry, queues });
  const assembly = app.synth();
  const { Resources } = assembly.getStackByName("runner").template;
  const made = Object.values<{ Type: string; Properties: { Code: { S3Key: string } } }>(Resources);
  const hash =
    made.find(({ Type }) => Type === "AWS::Lambda::Function")?.Properties.Code.S3Key.replace(".zip", "") ?? "";
  return { hash, path: join(assembly.directory, `asset.${hash}`) };
}

function writeRunner(greeting: string, more = ""): string {
  const entry = join(folder, "runner.ts");
  writeFileSync(join(folder, "greet.ts"), `export const greet = (name: string): string => \`${greeting} \${name}\`;`);
  writeFileSync(
    entry,
    `${more}
import { greet } from "./greet.ts";
export const handler = async (event: { name: string }) => greet(event.name);`,
  );
  return entry;
}

describe("a runner of a file", () => {
  it("is bundled into one module that Lambda can load", async () => {
    const { path } = synthesize(writeRunner("Hello"));

    const bundle: { handler: (event: unknown) => Promise<string> } = await import(
      pathToFileURL(join(path, "index.mjs")).href
    );
    expect(await bundle.handler({ name: "yard" })).toBe("Hello yard");
  });

  it("leaves the SDK out, which the runtime brings", () => {
    const { path } = synthesize(writeRunner("Hello", 'export { S3Client } from "@aws-sdk/client-s3";'));

    const bundle = readFileSync(join(path, "index.mjs"), "utf8");
    expect(bundle).toContain('from"@aws-sdk/client-s3"');
    expect(bundle.length).toBeLessThan(1_000);
  });

  it("is the same asset while its sources are the same", () => {
    const one = synthesize(writeRunner("Hello"));

    expect(synthesize(writeRunner("Hello")).hash).toBe(one.hash);
    expect(synthesize(writeRunner("Good day")).hash).not.toBe(one.hash);
  });

  it("says what is wrong with a file that cannot be bundled", () => {
    const entry = join(folder, "runner.ts");
    writeFileSync(entry, 'export * from "./missing.ts";');

    expect(() => synthesize(entry)).toThrow(/Could not resolve ".\/missing.ts"/);
  });

  it("is either a file or code that is there", () => {
    const stack = new Stack(new App({ analyticsReporting: false }), "runner");
    const code = Code.fromInline("exports.handler = () => {};");

    expect(() => new TaskRunner(stack, "None", { queues })).toThrow("either `code` or `entry`");
    expect(() => new TaskRunner(stack, "Both", { queues, code, entry: "runner.ts" })).toThrow(
      "either `code` or `entry`",
    );
  });
});
