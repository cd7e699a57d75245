import { writeFile } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import { createAwsKit } from "./aws-kit.ts";
import { createGitHubKit } from "./github-kit.ts";
import { formatReport, type Kit, runKit } from "./run-kit.ts";

const HELP = `Makes the smallest real thing in an account, tries it, and removes it. Says cost, time and rights first, and asks.

npm run kit:aws -- [--region REGION]
npm run kit:github -- --organization NAME

  --yes              do not ask
  --report FILE      where the report is written (default: kit-aws.md, kit-github.md)
  --json             print the report as JSON; everything else goes to stderr
  --region REGION    default: AWS_REGION; credentials are those of the SDK
  --organization N   with GITHUB_TOKEN
  --endpoint URL     an emulator of AWS, or a GitHub Enterprise

Exit codes: 0 done, 1 a check failed or something is left, 2 nothing was made, 64 usage, 130 Ctrl-C.
`;

const OPTIONS = {
  region: { type: "string" },
  organization: { type: "string" },
  endpoint: { type: "string" },
  report: { type: "string" },
  yes: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

type Words = ReturnType<typeof parseWords>["values"];

function parseWords(words: readonly string[]) {
  return parseArgs({ args: [...words], options: OPTIONS, allowPositionals: true });
}

process.exitCode = await main(process.argv.slice(2));

async function main(words: readonly string[]): Promise<number> {
  try {
    const { values, positionals } = parseWords(words);
    if (values.help) return print(HELP, 0);
    const kit = toKit(positionals[0], values);
    return kit === undefined ? print(HELP, 64) : await run(kit, values);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return isUsage(error) ? 64 : 2;
  }
}

function isUsage(error: unknown): boolean {
  return error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}

function print(text: string, code: number): number {
  (code === 0 ? console.log : console.error)(text);
  return code;
}

function toKit(name: string | undefined, { region, organization, endpoint }: Words): Kit | undefined {
  const { AWS_REGION, GITHUB_TOKEN: token = "" } = process.env;
  const place = region ?? AWS_REGION;
  if (name === "aws" && place !== undefined) return createAwsKit({ region: place, endpoint });
  if (name === "github" && organization !== undefined) return createGitHubKit({ organization, token, endpoint });
  return undefined;
}

async function run(kit: Kit, { yes, json, report: file = `${kit.name.replace(":", "-")}.md` }: Words): Promise<number> {
  const say = json ? console.error : console.log;
  const signal = listenForInterrupt(say);
  const confirm = yes ? async () => true : () => ask(signal);
  const report = await runKit(kit, { signal, say, confirm });
  if (report === undefined) {
    say("Nothing was made.");
    return 2;
  }
  await writeFile(file, formatReport(report));
  if (json) console.log(JSON.stringify(report));
  say(`${report.end}. The report is ${file}.`);
  return { done: 0, failed: 1, interrupted: 130 }[report.end];
}

/** Returns a signal that Ctrl-C aborts. What was made is removed then, however often it is pressed. */
function listenForInterrupt(say: (line: string) => void): AbortSignal {
  const interrupt = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      say("Interrupted: what was made is being removed.");
      interrupt.abort(new Error("It was interrupted."));
    });
  }
  return interrupt.signal;
}

async function ask(signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY) throw new Error("Nobody can be asked here. Pass --yes.");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  terminal.on("SIGINT", () => process.emit("SIGINT"));
  try {
    return (await terminal.question("Go on? Type yes: ", { signal })).trim() === "yes";
  } catch {
    return false;
  } finally {
    terminal.close();
  }
}
