import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkArgs } from "@stackyard/core";
import type { AppsAws } from "../apps-command.ts";
import { createAppsCommands } from "../commands.ts";

/** The output of a command. */
export interface CommandRun {
  readonly exitCode: number;
  readonly results: readonly unknown[];
  readonly texts: readonly string[];
  readonly progress: readonly Readonly<Record<string, unknown>>[];
  readonly notes: readonly string[];
}

/** A project in its own folder. */
export interface AProject {
  readonly folder: string;
  run(aws: AppsAws, name: string, args?: Readonly<Record<string, unknown>>, signal?: AbortSignal): Promise<CommandRun>;
  remove(): void;
}

/** Creates an empty project. */
export function makeProject(environment: Readonly<Record<string, string>> = {}): AProject {
  const folder = mkdtempSync(join(tmpdir(), "stackyard-deployment-"));
  return {
    folder,
    remove: () => rmSync(folder, { recursive: true, force: true }),
    async run(aws, name, args = {}, signal = new AbortController().signal) {
      const command = createAppsCommands(() => aws).find((each) => each.name === name);
      if (command === undefined) throw new Error(`Unknown command ${name}.`);
      const results: unknown[] = [];
      const texts: string[] = [];
      const progress: Readonly<Record<string, unknown>>[] = [];
      const notes: string[] = [];
      const out = {
        result(value: unknown, toText: () => string) {
          results.push(value);
          texts.push(toText());
        },
        progress: (value: Readonly<Record<string, unknown>>) => void progress.push(value),
        note: (text: string) => void notes.push(text),
      };
      const dataDir = join(folder, ".stackyard");
      const folders = { cwd: folder, projectDir: folder, dataDir };
      const context = { out, ...folders, environment, yards: {}, server: { url: "" }, signal };
      const exitCode = (await command.run(context, checkArgs(command, args))) ?? 0;
      return { exitCode, results, texts, progress, notes };
    },
  };
}
