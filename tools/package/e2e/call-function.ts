import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** A call of a function as Lambda makes it. */
export interface FunctionCall {
  /** Where the zip was unpacked. */
  readonly folder: string;
  /** Such as `src/index.lambdaHandler`. */
  readonly handler: string;
  readonly event: unknown;
  readonly environment: Readonly<Record<string, string>>;
}

const run = promisify(execFile);

/** Calls the handler in a process of its own and gives what it answers, or its error. */
export async function callFunction({ folder, handler, event, environment }: FunctionCall): Promise<unknown> {
  const [module, exported] = handler.split(".");
  const code = `const { ${exported} } = await import("${folder}/${module}.mjs");
    const context = { awsRequestId: "1", getRemainingTimeInMillis: () => 30000 };
    const answer = await ${exported}(${JSON.stringify(event)}, context)
      .catch((error) => ({ error: { code: error.code, message: error.message } }));
    process.stdout.write("\\nANSWER " + JSON.stringify(answer) + "\\n", () => process.exit(0));`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", code], {
    cwd: folder,
    env: { AWS_REGION: "eu-west-1", AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "x", ...environment },
  });
  return JSON.parse(/^ANSWER (.*)$/m.exec(stdout)?.[1] ?? "null");
}
