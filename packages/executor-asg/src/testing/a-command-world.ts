import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CommandOutput, StackyardError } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { createRandom } from "@stackyard/core/testing";
import { createReleaseCommands } from "../commands/create-release-commands.ts";
import type { ReleaseCommandDeps } from "../commands/release-command.ts";

/** What a command has said, and how it ended. */
export interface CommandResult {
  readonly exitCode: number;
  readonly text: string;
  readonly value: Readonly<Record<string, unknown>>;
  readonly notes: readonly string[];
  readonly progress: readonly string[];
  readonly blocks: readonly string[];
  readonly events: readonly Readonly<Record<string, unknown>>[];
}

/** A folder, and the commands about releases in it. */
export interface CommandWorld {
  readonly cwd: string;
  write(name: string, content: unknown): void;
  run(name: string, args?: object, options?: RunOptions): Promise<CommandResult>;
  remove(): void;
}

/** How one command is run. */
export interface RunOptions {
  readonly signal?: AbortSignal;
  readonly environment?: Readonly<Record<string, string>>;
  /** Hears each note as it is said. */
  readonly onNote?: (note: string) => void;
}

/** Makes one. Without a server's address no server is known, as for somebody who has none. */
export function createCommandWorld(deps: Partial<ReleaseCommandDeps> = {}, url?: string): CommandWorld {
  const cwd = mkdtempSync(join(tmpdir(), "releases-"));
  const commands = createReleaseCommands({ random: createRandom(3), clock: systemClock, pollMs: 10, ...deps });
  return {
    cwd,
    write(name, content) {
      writeFileSync(join(cwd, name), typeof content === "string" ? content : JSON.stringify(content));
    },
    async run(name, args = {}, options = {}) {
      const { signal = new AbortController().signal, environment = { USER: "ann" }, onNote } = options;
      const command = commands.find((each) => each.name === `release ${name}`);
      const heard = createEar(onNote);
      const folders = { cwd, projectDir: cwd, dataDir: cwd };
      const context = {
        ...folders,
        environment,
        yards: {},
        signal,
        out: heard.out,
        get server() {
          if (url === undefined) throw new StackyardError("UNREACHABLE", "No server is known.");
          return { url };
        },
      };
      const exitCode = (await command?.run(context, { ...args })) ?? -1;
      return { exitCode, ...heard.result() };
    },
    remove: () => rmSync(cwd, { recursive: true }),
  };
}

function createEar(onNote: (note: string) => void = () => {}) {
  let [text, value]: [string, Readonly<Record<string, unknown>>] = ["", {}];
  const [notes, progress, blocks]: [string[], string[], string[]] = [[], [], []];
  const events: Readonly<Record<string, unknown>>[] = [];
  const out: CommandOutput = {
    result(given, toText) {
      value = JSON.parse(JSON.stringify(given));
      text = toText();
    },
    progress(event, toText, toBlock) {
      events.push(event);
      progress.push(toText());
      if (toBlock !== undefined) blocks.push(toBlock(79));
    },
    note(note) {
      notes.push(note);
      onNote(note);
    },
  };
  return { out, result: () => ({ text, value, notes, progress, blocks, events }) };
}

/** A release file as people write it: without id, time and hash. */
export function aReleaseFile(over: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return {
    aws_account_id: "111122223333",
    aws_region: "eu-west-1",
    project_name: "org/shop",
    config_name: "production",
    ami: "base",
    subnets: ["private-a", "private-b"],
    timeout: 600,
    services: {
      web: {
        instance_type: "t3.micro",
        security_groups: ["web"],
        target_groups: ["web"],
        autoscaling: { min_size: 2, max_size: 10, spread: 0.5 },
      },
    },
    ...over,
  };
}
