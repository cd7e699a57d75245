import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readDocSnippets } from "../doc-snippets.ts";
import { repositoryRoot } from "../published-packages.ts";

// Plays docs/getting-started.md to its last line: every piece marked `sh play` in one terminal, `stackyard dev` in another one, and the
// program that the page writes. What a piece prints is compared with the page where it is the same each time.

const PAGE = "docs/getting-started.md";
/** Pieces whose output is printed on the page as it is. */
const COMPARED = /stackyard (init|validate|dev|stacks history)/;
/** The page says of this piece that it fails, and with which code. */
const FAILING: readonly (readonly [words: string, exitCode: number])[] = [["touch environments/no-room", 2]];

const root = mkdtempSync(join(tmpdir(), "stackyard-getting-started-"));
const snippets = readDocSnippets(PAGE, readFileSync(join(repositoryRoot, PAGE), "utf8"));
const pieces = snippets.flatMap(({ line, note, text }, index) => {
  const [, file] = /^file=(\S+)$/.exec(note) ?? [];
  return note === "play" || file !== undefined ? [{ line, file, text, printed: snippets[index + 1]?.text ?? "" }] : [];
});
const shells: ChildProcess[] = [];
/** Where the yard of the page is: at a free port. */
let port = "7070";

/** Puts the page into this place: its folder and its port. The packages of the clone are installed. */
function place(text: string): string {
  return text
    .replace(/^npm install\n(?=alias)/, "")
    .replaceAll(/(?<!\w)\/tmp(?!\w)/g, root)
    .replaceAll("7070", port)
    .replace(/^stackyard dev$/m, "stackyard dev --port 0");
}

function openShell(): ChildProcess {
  const { STACKYARD_URL, STACKYARD_TOKEN, DATABASE_URL, ...inherited } = process.env;
  const path = [dirname(process.execPath), process.env["PATH"]].join(delimiter);
  const env = { ...inherited, PATH: path, npm_config_update_notifier: "false" };
  // Its own group, so that `stackyard dev` ends with it.
  const shell = spawn("bash", ["-O", "expand_aliases"], { cwd: repositoryRoot, env, detached: true });
  shells.push(shell);
  return shell;
}

/** Enters a piece, and returns what it prints until this fits, or until the piece has ended: then with its exit code. */
function enter(shell: ChildProcess, text: string, fits = /^@@ \d+$/m): Promise<string> {
  const file = join(root, `piece-${shells.indexOf(shell)}.sh`);
  const lines = text.trimEnd().split("\n");
  writeFileSync(file, `${lines.map((line) => `${line} || return`).join("\n")}\n`);
  return new Promise((resolve) => {
    let output = "";
    const look = (chunk: Buffer) => {
      output += chunk.toString();
      if (fits.test(output) || /^@@ \d+$/m.test(output)) resolve(output);
    };
    for (const stream of [shell.stdout, shell.stderr]) stream?.removeAllListeners("data").on("data", look);
    shell.stdin?.write(`. ${file} </dev/null; echo "@@ $?"\n`);
  });
}

/** Starts the yard in a second terminal, where its address contains the port. */
async function startYard(text: string): Promise<string> {
  const shell = openShell();
  await enter(shell, `alias stackyard="$PWD/node_modules/.bin/stackyard"\ncd ${root}/review-app`);
  const output = await enter(shell, place(text), /Ctrl-C stops/);
  port = /127\.0\.0\.1:(\d+)/.exec(output)?.[1] ?? port;
  return output;
}

/** Returns the lines without what differs from run to run: ids, instants, places, versions, and which of two tasks ends first. */
function toComparable(text: string): readonly string[] {
  const lines = text.split("\n").map((line) =>
    line
      .replaceAll(root, "/tmp")
      .replaceAll(port, "7070")
      .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/g, "AT")
      .replaceAll(/(?<=TASK_COMPLETED )(network|database|app-off|database-off)(?= )/g, "ONE_OF_TWO")
      .replaceAll(/(?<=code=)[\w-]+/g, "CODE")
      .replaceAll(/\d+\.\d+\.\d+$/g, "VERSION"),
  );
  return lines.filter((line) => line !== "" && line !== "…" && !line.startsWith("@@"));
}

const hasTerraform = spawnSync("terraform", ["version"]).status === 0;

describe.skipIf(!hasTerraform)("docs/getting-started.md (skipped without Terraform)", () => {
  afterAll(() => {
    for (const { pid } of shells) if (pid !== undefined) process.kill(-pid, "SIGKILL");
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  });

  it("marks each of its commands", () => {
    expect(snippets.filter(({ language, note }) => language === "sh" && !/^(play|run)$/.test(note))).toEqual([]);
    expect(pieces.length).toBeGreaterThan(10);
  });

  it.each(pieces.map((piece) => [piece.line, piece] as const))(
    "line %s works as written",
    async (_, { file, text, printed }) => {
      if (file !== undefined) return writeFileSync(join(root, "review-app", file), place(text));
      const [shell = openShell()] = shells;
      const isYard = text.startsWith("stackyard dev");
      // A reader takes longer than the roll-out of the push, and the page shows what follows it.
      if (text.includes(" MERGED ")) {
        await enter(shell, 'until stackyard stacks show pr-12 | grep -q "state *LIVE"; do sleep 0.2; done');
      }

      const output = isYard ? await startYard(text) : await enter(shell, place(text));

      const [, exitCode = 0] = FAILING.find(([words]) => text.includes(words)) ?? [];
      expect(output).toMatch(isYard ? /Ctrl-C stops/ : new RegExp(`^@@ ${exitCode}$`, "m"));
      const shown = COMPARED.test(text) ? toComparable(printed) : [];
      expect(toComparable(output).filter((line) => shown.includes(line))).toEqual(shown);
    },
    180_000,
  );
});
