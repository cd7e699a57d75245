import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

interface InlineFunction {
  /** The text, or its place in a mapping. */
  readonly Code: { readonly ZipFile: string | { readonly "Fn::FindInMap": readonly [string, string, string] } };
  readonly Handler: string;
}

const run = promisify(execFile);
const root = join(import.meta.dirname, "../../..");
const temp = mkdtempSync(join(tmpdir(), "stackyard-inline-"));
const FUNCTIONS = ["CopyFunction", "InitialSetTriggerFunction", "AdoptedBucketFunction"] as const;
/** "CloudFormation quotas", template body size in an S3 object. */
const MAX_TEMPLATE_BYTES = 1_000_000;
/** Room for more code: a template that does not fit cannot be deployed at all. */
const MOST_OF_IT = 0.75 * MAX_TEMPLATE_BYTES;
const MAX_FILE_BYTES = 400 * 1_024;
const NODES = [
  ["Node 24", process.execPath],
  ["Node 22", join(root, "tools/checks/node-22/node_modules/node/bin/node")],
] as const;
const PLACE = { CONSUMER_ACCOUNT_ID: "111122223333", CONSUMER_REGION: "eu-west-1" };

let body = "";
let functions: Readonly<Record<string, { readonly Properties: InlineFunction }>> = {};

/** As CloudFormation resolves it. */
function codeOf(name: string): string {
  const code = functions[name]?.Properties.Code.ZipFile ?? "";
  if (typeof code === "string") return code;
  const [mapping, row, key] = code["Fn::FindInMap"];
  return JSON.parse(body).Mappings[mapping][row][key];
}

/** What CloudFormation and Lambda do: the code is index.js, and the runtime has the SDK. */
function install(name: string): string {
  const folder = join(temp, name);
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  for (const scope of ["@aws-sdk", "@smithy"]) {
    symlinkSync(join(root, "node_modules", scope), join(folder, "node_modules", scope));
  }
  writeFileSync(join(folder, "index.js"), codeOf(name));
  return folder;
}

beforeAll(async () => {
  await run(process.execPath, [join(root, "tools/templates/src/main.ts"), "--out", join(temp, "templates")]);
  body = readFileSync(join(temp, "templates/consumer.template.json"), "utf8");
  functions = JSON.parse(body).Resources;
  for (const name of FUNCTIONS) install(name);
});

afterAll(() => rmSync(temp, { recursive: true, force: true }));

/** Calls the handler in a process of its own; gives its answer or its error's code. */
async function call(node: string, name: string, event: unknown): Promise<unknown> {
  const [, exported] = functions[name]?.Properties.Handler.split(".") ?? [];
  const code = `const { ${exported} } = require("./index.js");
    ${exported}(${JSON.stringify(event)}, { awsRequestId: "1", getRemainingTimeInMillis: () => 30000 })
      .catch((error) => ({ code: error.code }))
      .then((answer) => process.stdout.write("\\nANSWER " + JSON.stringify(answer ?? null) + "\\n", () => process.exit(0)));`;
  const { stdout } = await run(node, ["-e", code], {
    cwd: join(temp, name),
    env: { AWS_REGION: "eu-west-1", AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "x", ...PLACE },
  });
  return JSON.parse(/^ANSWER (.*)$/m.exec(stdout)?.[1] ?? "null");
}

describe("the published template of the consumer", () => {
  it("fits where CloudFormation reads it from", () => {
    expect(Buffer.byteLength(body)).toBeLessThan(MOST_OF_IT);
  });

  it.each(FUNCTIONS)("has a file for %s that is not too large, and without the SDK", (name) => {
    const text = codeOf(name);

    expect(Buffer.byteLength(text)).toBeGreaterThan(1_024);
    expect(Buffer.byteLength(text)).toBeLessThan(MAX_FILE_BYTES);
    expect(text).toMatch(/require\(["']@aws-sdk\/client-/);
  });
});

describe.each(NODES)("its files under %s", (_name, node) => {
  it("are CommonJS with the handlers that the template names", async () => {
    const missing = await Promise.all(
      FUNCTIONS.map(async (name) => {
        const [, exported] = functions[name]?.Properties.Handler.split(".") ?? [];
        const code = `process.stdout.write(typeof require("./index.js")["${exported}"])`;
        return [name, (await run(node, ["-e", code], { cwd: join(temp, name) })).stdout];
      }),
    );

    expect(missing).toEqual(FUNCTIONS.map((name) => [name, "function"]));
  });

  it.each([
    ["CopyFunction", { Records: [] }, { code: "CONFIG_INVALID" }],
    ["InitialSetTriggerFunction", {}, { code: "EVENT_INVALID" }],
    ["AdoptedBucketFunction", {}, { code: "EVENT_INVALID" }],
  ] as const)("answer as %s", async (name, event, answer) => {
    expect(await call(node, name, event)).toEqual(answer);
  });
});
