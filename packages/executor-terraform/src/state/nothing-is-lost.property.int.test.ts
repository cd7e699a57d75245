import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Step } from "@stackyard/core";
import { createMemoryStore } from "@stackyard/core/engine";
import {
  findKeptState,
  isBlocking,
  isOvertaken,
  listUnsavedRunsOf,
  loadUnsavedContent,
  putUnsavedRun,
  removeUnsavedRun,
} from "@stackyard/core/services";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aContext } from "../testing/a-context.ts";
import { aProject } from "../testing/a-project.ts";
import { listIds, startYardStateServer } from "../testing/a-yard-state-server.ts";
import { hasTerraform } from "../testing/program.ts";

const KEY = "review-app/pr-12/local/network";
// Each creation makes a file of its own. The gate is made anew by each apply, after the files.
const MODULE = `
variable "files" { type = number }
variable "folder" {}
variable "gate" {}
variable "command" {}
resource "terraform_data" "file" {
  count = var.files
  input = var.folder
  provisioner "local-exec" {
    command     = "touch $FOLDER/made/$ID"
    environment = { FOLDER = self.output, ID = self.id }
  }
  provisioner "local-exec" {
    when        = destroy
    command     = "rm -f $FOLDER/made/$ID"
    environment = { FOLDER = self.output, ID = self.id }
  }
}
resource "terraform_data" "gate" {
  depends_on       = [terraform_data.file]
  triggers_replace = [var.gate]
  provisioner "local-exec" { command = var.command }
}
`;

/** What happens to a run. `overtaken`: its worker is frozen while another one applies. */
type Fate = "fair" | "fails" | "killed" | "away" | "overtaken";
type Move =
  | { readonly kind: "apply"; readonly files: number; readonly fate: Fate }
  | { readonly kind: "destroy"; readonly isBroken: boolean }
  | { readonly kind: "push" };

const moves: fc.Arbitrary<readonly Move[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant("apply" as const),
      files: fc.integer({ min: 0, max: 3 }),
      fate: fc.constantFrom<Fate>("fair", "fails", "killed", "away", "overtaken"),
    }),
    fc.record({ kind: fc.constant("destroy" as const), isBroken: fc.boolean() }),
    fc.record({ kind: fc.constant("push" as const) }),
  ),
  { minLength: 1, maxLength: 5 },
);

/** A state, its yard, and a world of files. */
async function openWorld() {
  const { records } = createMemoryStore();
  const clock = { now: () => Date.now() };
  const server = await startYardStateServer(records, KEY);
  const project = aProject({ "network/main.tf": MODULE });
  mkdirSync(join(project.dir, "made"));
  let runs = 0;

  /** A run with a new grant, on a runner of its own. */
  function start(action: "apply" | "destroy", files = 0, command = "true"): Promise<Step> {
    runs += 1;
    const attempt = { id: `pr-12/e1/${runs}/network/1`, number: 1, token: runs };
    server.granted = `${attempt.id}:${runs}.proof`;
    const service = { stateBackendUrl: server.url, password: `${runs}.proof` };
    const ctx = aContext({
      ...service,
      records,
      attempt,
      metadata: { files, folder: project.dir, gate: runs, command },
    });
    return project.start(ctx, { action }, { workDir: join(project.dir, `runner-${runs}`), lockTimeout: "0s" });
  }

  const hold = join(project.dir, "hold");
  const waits = join(project.dir, "waits");
  async function overtake(files: number): Promise<void> {
    writeFileSync(hold, "");
    const frozen = start("apply", files, `touch ${waits}; while test -e ${hold}; do sleep 0.1; done`);
    let isOver = false;
    void frozen.finally(() => {
      isOver = true;
    });
    while (!existsSync(waits) && !isOver) await delay(50);
    await start("apply", files);
    rmSync(hold);
    rmSync(waits, { force: true });
    await frozen;
  }

  const listRuns = () => listUnsavedRunsOf({ records, clock }, KEY);
  async function push(): Promise<void> {
    for (const run of (await listRuns()).filter(isBlocking)) {
      const content = await loadUnsavedContent({ records, clock }, run);
      if (content === undefined || isOvertaken(run, await findKeptState({ records, clock }, KEY))) continue;
      await server.write(new TextDecoder().decode(content));
      await putUnsavedRun({ records, clock }, { ...run, pushed: { at: 1, by: "ada" } });
    }
  }

  async function play(move: Move): Promise<void> {
    if (move.kind === "push") return push();
    if (move.kind === "destroy") {
      project.write({ "network/main.tf": move.isBroken ? `${MODULE}resource {` : MODULE });
      await start("destroy");
      return project.write({ "network/main.tf": MODULE });
    }
    if (move.fate === "overtaken") return overtake(move.files);
    server.weather = move.fate === "away" ? "away" : "fair";
    const commands: Partial<Record<Fate, string>> = { fails: "exit 1", killed: "kill -9 $PPID" };
    await start("apply", move.files, commands[move.fate]);
    server.weather = "fair";
  }

  return {
    play,
    push,
    listRuns,
    listFiles: () => readdirSync(join(project.dir, "made")).sort(),
    /** Ids that the state has, or that the yard names as what a run has left. */
    async listKnown(): Promise<readonly string[]> {
      const left = (await listRuns()).flatMap((run) => run.left?.resources ?? []);
      return [...listIds(server.content()), ...left.flatMap(({ id }) => id ?? [])];
    },
    /** Returns true if the state has objects, or a run blocks it. */
    isLeft: async () => listIds(server.content()).length > 0 || (await listRuns()).some(isBlocking),
    /** What a person does with what is left of a run that was killed. */
    async removeByHand(): Promise<void> {
      for (const run of (await listRuns()).filter((each) => !isBlocking(each))) {
        for (const { id } of run.left?.resources ?? [])
          rmSync(join(project.dir, "made", id ?? "none"), { force: true });
        await removeUnsavedRun({ records, clock }, run);
      }
    },
    async close(): Promise<void> {
      await server.close();
      project.remove();
    },
  };
}

const RUNS = process.env["LONG_TESTS"] ? 100 : 2;

describe.skipIf(!hasTerraform())("whatever happens to runs of a state", () => {
  it("each object is in the state or named by the yard, and can be removed with what the yard knows", {
    timeout: RUNS * 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(moves, async (lives) => {
        const world = await openWorld();
        try {
          for (const move of lives) {
            await world.play(move);
            expect(await world.listKnown(), JSON.stringify(move)).toEqual(expect.arrayContaining(world.listFiles()));
          }
          // A destroy may need the push of a state first, and that push a destroy before it.
          for (let round = 0; round < 2 + lives.length && (round === 0 || (await world.isLeft())); round += 1) {
            await world.push();
            await world.play({ kind: "destroy", isBroken: round % 2 === 0 });
          }
          await world.removeByHand();

          expect([world.listFiles(), await world.listRuns()]).toEqual([[], []]);
        } finally {
          await world.close();
        }
      }),
      { numRuns: RUNS },
    );
  });
});
