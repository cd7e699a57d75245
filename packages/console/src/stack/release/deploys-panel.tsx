import type { Deploy } from "@stackyard/sdk";
import type { ReactNode } from "react";
import { Mark } from "../../design/mark.tsx";
import { Panel } from "../../design/page.tsx";
import { Text } from "../../design/text.tsx";
import { toSafeText } from "../../text/safe-text.ts";
import { countDeploy } from "./deploy-counts.ts";
import { DeployProgress } from "./deploy-progress.tsx";
import { DeployLegend, DeployWaves } from "./deploy-waves.tsx";
import "./deploys-panel.css";

/**
 * Returns the deployments of a release that have more to show than one stack that has arrived, for which the line of its stage is
 * enough: what runs or has failed first.
 */
export function listWide(items: readonly Deploy[]): readonly Deploy[] {
  return items.filter((deploy) => !isOneLine(deploy)).toSorted((a, b) => rankOf(a) - rankOf(b));
}

/** Renders what the tasks of a release have sent to other stacks, by wave; nothing before the first. */
export function DeploysPanel({ items }: { readonly items: readonly Deploy[] }) {
  const [main, ...others] = items;
  if (main === undefined) return null;
  const { stacks } = countDeploy(main);
  return (
    <Panel
      title={<TitleOf deploy={main} />}
      note={`${stacks.toLocaleString("en")} ${stacks === 1 ? "stack" : "stacks"}`}
      actions={<DeployLegend deploy={main} />}
    >
      <OneDeploy deploy={main} />
      {others.map((deploy) => (
        <OneDeploy key={deploy.task} deploy={deploy}>
          <h3 className="row">
            <TitleOf deploy={deploy} />
            <DeployLegend deploy={deploy} />
          </h3>
        </OneDeploy>
      ))}
    </Panel>
  );
}

function TitleOf({ deploy: { task, op } }: OneDeployProps) {
  return (
    <>
      {op === "undo" ? "Undo by" : "Waves of"} <Text>{task}</Text>
    </>
  );
}

/** Returns true for a deployment with nothing to show but that it has ended well: its one stack has arrived. */
function isOneLine(deploy: Deploy): boolean {
  const { stacks, failed } = countDeploy(deploy);
  return stacks === 1 && failed === 0 && deploy.endedAt !== undefined && deploy.stop === undefined;
}

function rankOf(deploy: Deploy): number {
  if (deploy.endedAt === undefined) return 0;
  return countDeploy(deploy).failed > 0 ? 1 : 2;
}

interface OneDeployProps {
  readonly deploy: Deploy;
}

function OneDeploy({ deploy, children }: OneDeployProps & { readonly children?: ReactNode }) {
  const { task, stop } = deploy;
  return (
    <section className="deploy" aria-label={toSafeText(`Deployment of ${task}`)}>
      {children}
      {stop !== undefined && (
        <p className="wrap">
          <Mark status="failed" word={stop.message} />
        </p>
      )}
      <DeployWaves deploy={deploy} />
      <DeployProgress deploy={deploy} />
    </section>
  );
}
