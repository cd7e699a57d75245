import type { PluginCommand } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { createReleasesClient } from "@stackyard/sdk/releases";
import { releaseLock, releaseRepair, releaseRollback, releaseUnlock } from "./release-care-commands.ts";
import { createReleaseCommand, type ReleaseCommandDeps } from "./release-command.ts";
import { releaseDeploy } from "./release-deploy.ts";
import { releaseGraph } from "./release-graph.ts";
import { releaseHalt } from "./release-halt.ts";
import { releaseFails, releaseLs, releaseShow, releaseWatch } from "./release-look-commands.ts";
import { releasePlan } from "./release-plan.ts";
import { releaseValidate } from "./release-validate.ts";

const DEPS: ReleaseCommandDeps = {
  clock: systemClock,
  random: Math.random,
  openReleases: createReleasesClient,
  async openAws(region) {
    // The SDK is loaded by those who need it.
    const { openDeployerAws } = await import("./open-deployer-aws.ts");
    return openDeployerAws(region);
  },
};

/** The commands about releases; tests bring their own world. */
export function createReleaseCommands(deps: Partial<ReleaseCommandDeps> = {}): readonly PluginCommand[] {
  const whole = { ...DEPS, ...deps };
  return [
    createReleaseCommand(releaseValidate, whole),
    createReleaseCommand(releasePlan, whole),
    createReleaseCommand(releaseDeploy, whole),
    createReleaseCommand(releaseWatch, whole),
    createReleaseCommand(releaseHalt, whole),
    createReleaseCommand(releaseRollback, whole),
    createReleaseCommand(releaseRepair, whole),
    createReleaseCommand(releaseLs, whole),
    createReleaseCommand(releaseShow, whole),
    createReleaseCommand(releaseFails, whole),
    createReleaseCommand(releaseLock, whole),
    createReleaseCommand(releaseUnlock, whole),
    createReleaseCommand(releaseGraph, whole),
  ];
}
