import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Calls of one instance of a function as Lambda makes them. */
export interface FunctionCalls {
  /** Where the zip was unpacked. */
  readonly folder: string;
  /** Such as `src/index.lambdaHandler`. */
  readonly handler: string;
  readonly events: readonly unknown[];
  readonly environment: Readonly<Record<string, string>>;
}

const run = promisify(execFile);

/** Calls the handler with one event after the other in a process of its own, and gives what it answers to each, or its error. */
export async function callFunction(calls: FunctionCalls): Promise<readonly unknown[]> {
  const { folder, handler, events, environment } = calls;
  const [module, exported] = handler.split(".");
  const code = `const { ${exported} } = await import("${folder}/${module}.mjs");
    const context = { awsRequestId: "1", getRemainingTimeInMillis: () => 30000 };
    const answers = [];
    for (const event of ${JSON.stringify(events)}) {
      const answer = await ${exported}(event, context)
        .catch((error) => ({ error: { code: error.code, message: error.message } }));
      answers.push(answer);
    }
    process.stdout.write("\\nANSWERS " + JSON.stringify(answers) + "\\n", () => process.exit(0));`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", code], {
    cwd: folder,
    env: { AWS_REGION: "eu-west-1", AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "x", ...environment },
  });
  return JSON.parse(/^ANSWERS (.*)$/m.exec(stdout)?.[1] ?? "[]");
}
