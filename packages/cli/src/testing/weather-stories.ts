import { type Executor, succeeded } from "@stackyard/core";
import type { Decision, Ending, Sky, Story } from "@stackyard/core/testing";
import { TerraformConfig } from "@stackyard/executor-terraform";
import { ADDRESSES } from "@stackyard/tf-sim";
import { Value } from "typebox/value";
import type { TerraformWay } from "./weather/terraform-machine.ts";
import {
  createTerraformYard,
  type TerraformBugs,
  type TerraformView,
  type TerraformYard,
} from "./weather/terraform-yard.ts";

const MINUTE_MS = 60_000;
const LOOK_EVERY_MS = 30_000;
const FAIR_MS = 2 * 60 * MINUTE_MS;
/** A day. */
const MAX_LOOKS = 2_880;
const MOST_VISITS = 3;
/** After a weather of twenty minutes. */
const VISIT_EVERY_MS = 30 * MINUTE_MS;

async function until(yard: TerraformYard, sky: Sky, ...states: readonly string[]): Promise<string> {
  for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
    const state = (await yard.findStack("web-1"))?.state ?? "";
    if (states.includes(state)) return state;
    await sky.meet("look.worker", {}, () => yard.advance(LOOK_EVERY_MS));
  }
  throw new Error(`The stack is in none of the states ${states.join(", ")} after a day.`);
}

/** Builds the stack, by a plan that is approved or at once. */
async function build(yard: TerraformYard, sky: Sky, way: TerraformWay): Promise<string> {
  await yard.send("GO");
  if (way === "approved plan") {
    if ((await until(yard, sky, "READY", "BROKEN")) === "BROKEN") return "BROKEN";
    sky.phase("approved");
    await yard.send("APPROVE");
  }
  return until(yard, sky, "LIVE", "BROKEN");
}

/** Clears the stack; a person who reads that it is stuck does what the yard says. */
async function clear(yard: TerraformYard, sky: Sky): Promise<string> {
  sky.phase("clear");
  await yard.send("END");
  for (let visits = 0; ; visits += 1) {
    const state = await until(yard, sky, "GONE", "STUCK");
    if (state === "GONE" || visits === MOST_VISITS) return state;
    await yard.advance(VISIT_EVERY_MS);
    await yard.pushStates();
    await yard.send("AGAIN");
    await yard.settle();
  }
}

interface PlayInput extends TerraformBugs {
  readonly way: TerraformWay;
  /** Clears what was built. */
  readonly isCleared?: boolean;
}

function toPlay({ way, isCleared = false, ...bugs }: PlayInput): Story["play"] {
  return async (sky) => {
    const yard = await createTerraformYard(sky, way, bugs);
    try {
      const built = await build(yard, sky, way);
      const state = isCleared ? await clear(yard, sky) : built;
      await sky.clear();
      await yard.advance(FAIR_MS);
      const history = JSON.stringify(await yard.listHistory("web-1"));
      const codes = [...history.matchAll(/"code":"([A-Z_]+)"/g)].map(([, code = ""]) => code);
      const view = await yard.look();
      const evaluated = isCleared ? evaluateCleared(view) : evaluateBuilt(view);
      const url = (await yard.findStack("web-1"))?.metadata["url"];
      // What the apply has returned, once it has succeeded.
      const outputs = built !== "LIVE" ? "unknown" : url === "https://web" ? evaluated.truth : "unfinished";
      return {
        ...toEnding(yard, view),
        ...evaluated,
        views: { ...evaluated.views, outputs },
        verdict: toVerdict(state, codes),
        said: `${state} ${codes.join(" ")}`,
      };
    } finally {
      await yard.close();
    }
  };
}

/** A state that is not saved is reported with what it contains. */
function toVerdict(state: string, codes: readonly string[]): Ending["verdict"] {
  if (state === "LIVE" || state === "GONE") return "succeeded";
  return codes.at(-1) === "TERRAFORM_STATE_NOT_SAVED" ? "unknown" : "failed";
}

function evaluateBuilt({ objects, saved, inventory }: TerraformView): Pick<Ending, "truth" | "views"> {
  const isBuilt = ADDRESSES.every((address) =>
    objects.some((object) => object.address === address && saved.includes(object.id)),
  );
  return {
    truth: isBuilt ? "succeeded" : "failed",
    views: { inventory: inventory === undefined ? "unknown" : inventory === ADDRESSES.length ? "succeeded" : "failed" },
  };
}

/** What a killed run has left is named, and no state has it: a destroy cannot remove it. */
function evaluateCleared(view: TerraformView): Pick<Ending, "truth" | "views"> {
  const isCleared = view.objects.every(({ id, address }) => view.named.includes(id) || view.named.includes(address));
  return {
    truth: isCleared ? "succeeded" : "unfinished",
    views: { inventory: view.inventory === undefined ? "unknown" : view.inventory === 0 ? "succeeded" : "unfinished" },
  };
}

function toEnding({ cloud, stopped }: TerraformYard, view: TerraformView) {
  const known = [...view.saved, ...view.named];
  const lost = view.objects.filter(({ id, address }) => !known.includes(id) && !known.includes(address));
  return {
    begun: cloud.made,
    ended: stopped,
    left: [
      ...lost.map(({ address }) => `${address}, in no state and in no list`),
      ...(view.isLocked ? ["a lock that keeps people out"] : []),
    ],
    foreign: [
      ...(cloud.list().some(({ address }) => address === "sim_server.other") ? [] : ["an object of someone else"]),
      ...(view.isOtherKept ? [] : ["the state of another stack"]),
    ],
  };
}

const madeAgain: Decision = {
  finding: /^(killed (in work|before saved|below a shell)|crashes) at Terraform\.apply: once: /,
  reason:
    "Terraform makes an object again that is in no state. The first one is named as what the run has left, and other runs continue.",
};
const frozenAtWork: Decision = {
  finding: /^frozen (2 min|20 h) at (Backend\.GET|look\.worker): once: /,
  reason:
    "No lock reaches a provider: a Terraform that was frozen, and continues when another has begun, makes objects once more. They are named as what it has left.",
};
const interrupted: Decision = {
  finding: /^frozen (2 min|20 h) at [\w.]+: in work: ended terraform /,
  reason: "A worker that was frozen until its lease had ended interrupts its Terraform, which saves what it has.",
};
const appliedOnce: Decision = {
  finding:
    /^(frozen (2 min|20 h) at [\w.]+|(killed (when saved|at the end)|fails after) at Terraform\.apply): true: the verdict is failed/,
  reason:
    "A saved plan is applied once. An apply that does not report its success fails, although its state may be complete: plan again.",
};

function isDestroy({ action }: TerraformConfig): boolean {
  return action === "destroy";
}

function isOfPlan({ plan }: TerraformConfig): boolean {
  return plan !== undefined;
}

/** Returns an executor that does nothing for some tasks, and says that they have succeeded. */
function toLiar(executor: Executor, lies: (config: TerraformConfig) => boolean): Executor {
  const outputs = { url: "https://web" };
  return {
    ...executor,
    start: (ctx, config) =>
      Value.Check(TerraformConfig, config) && lies(config)
        ? Promise.resolve(succeeded(outputs))
        : executor.start(ctx, config),
  };
}

/** The stories of the borders of Terraform. */
export const terraformStories: readonly Story[] = [
  {
    name: "terraform-apply",
    play: toPlay({ way: "apply" }),
    decisions: [madeAgain, frozenAtWork, interrupted],
    reported: [
      { report: "flux-iac/tofu-controller#1876", at: "Terraform.apply#1", weather: "killed before saved" },
      { report: "upbound/provider-terraform#158", at: "Terraform.apply#1", weather: "killed below a shell" },
      { report: "hashicorp/terraform#29724", at: "Backend.UNLOCK#1", weather: "reset before" },
      { report: "opentofu/opentofu#4367, hashicorp/terraform#36155", at: "Backend.UNLOCK#1", weather: "conflict" },
      { report: "hashicorp/terraform#24294", at: "Backend.POST#1", weather: "conflict without text" },
      { report: "nimbolus/terraform-backend#29", at: "Backend.LOCK#1", weather: "conflict without text" },
    ],
    planted: [
      {
        bug: "an apply does nothing, and says that it has succeeded",
        invariant: "true",
        play: toPlay({ way: "apply", wrapExecutor: (executor) => toLiar(executor, () => true) }),
      },
    ],
  },
  {
    name: "terraform-plan-approved",
    play: toPlay({ way: "approved plan" }),
    decisions: [interrupted, appliedOnce],
    reported: [
      { report: "hashicorp/terraform#14513", at: "Backend.UNLOCK#1", weather: "status 503 for 10 min" },
      { report: "hashicorp/terraform#27721", at: "Terraform.apply#1", weather: "killed when saved" },
      { report: "runatlantis/atlantis#1818", at: "Backend.LOCK#2", weather: "locked 10 min" },
    ],
    planted: [
      {
        bug: "a saved plan is not applied, and said to be",
        invariant: "true",
        play: toPlay({ way: "approved plan", wrapExecutor: (executor) => toLiar(executor, isOfPlan) }),
      },
    ],
  },
  {
    name: "terraform-destroy",
    play: toPlay({ way: "apply", isCleared: true }),
    decisions: [madeAgain, frozenAtWork, interrupted],
    reported: [
      {
        report: "gruntwork-io/terragrunt#4839, microsoft/azure-pipelines-terraform#312",
        at: "Terraform.apply#1",
        weather: "hangs until interrupted",
      },
      { report: "appvia/terranetes-controller#1380", at: "Backend.GET#4", weather: "empty" },
      { report: "jetstack/tarmak#541", at: "Yard.GET#2", weather: "not found" },
    ],
    planted: [
      {
        bug: "a destroy does nothing, and says that it has succeeded",
        invariant: "true",
        play: toPlay({
          way: "apply",
          isCleared: true,
          wrapExecutor: (executor) => toLiar(executor, isDestroy),
        }),
      },
    ],
  },
];
