import type { PluginCommand } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { createLambdaCall } from "@stackyard/sdk/artifacts";
import { type ArtifactCommandDeps, createArtifactCommand } from "./artifact-command.ts";
import { artifactsRefresh, artifactsReplay, artifactsRetire } from "./artifacts-act.ts";
import { artifactsCoverage } from "./artifacts-coverage.ts";
import { artifactsLs, artifactsShow } from "./artifacts-look.ts";
import { artifactsPublish } from "./artifacts-publish.ts";
import { artifactsVerify } from "./artifacts-verify.ts";
import { consumersLs, consumersShow } from "./consumers-look.ts";

const DEPS: ArtifactCommandDeps = {
  clock: systemClock,
  columns: () => process.stdout.columns,
  openAws: loadAws,
  async openDistributor({ functionName, region, signal }) {
    const { lambda: client } = await loadAws({ ...(region && { region }) });
    return createLambdaCall({ client, functionName, signal });
  },
};

/** The SDK's clients are loaded by those who need them. */
async function loadAws(place: Parameters<ArtifactCommandDeps["openAws"]>[0]) {
  const { openAws } = await import("./open-aws.ts");
  return openAws(place);
}

/** The commands about artifacts and their consumers; tests bring their own world. */
export function createArtifactCommands(deps: Partial<ArtifactCommandDeps> = {}): readonly PluginCommand[] {
  const whole = { ...DEPS, ...deps };
  return [
    createArtifactCommand(artifactsPublish, whole),
    createArtifactCommand(artifactsLs, whole),
    createArtifactCommand(artifactsShow, whole),
    createArtifactCommand(artifactsVerify, whole),
    createArtifactCommand(artifactsCoverage, whole),
    createArtifactCommand(artifactsReplay, whole),
    createArtifactCommand(artifactsRefresh, whole),
    createArtifactCommand(artifactsRetire, whole),
    createArtifactCommand(consumersLs, whole),
    createArtifactCommand(consumersShow, whole),
  ];
}
