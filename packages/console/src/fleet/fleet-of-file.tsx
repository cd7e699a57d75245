import { toFleetReport } from "@stackyard/executor-runcommand/report";
import type { StackBundle } from "@stackyard/sdk";
import { useMemo } from "react";
import { Panel } from "../design/page.tsx";
import { FleetCauses } from "./fleet-causes.tsx";
import { isFleetPage } from "./fleet-data.ts";
import { FleetInstances } from "./fleet-instances.tsx";
import { FleetPath } from "./fleet-path.ts";
import { FleetRoles } from "./fleet-roles.tsx";
import { FleetStandings } from "./fleet-standings.tsx";

interface FleetOfFileProps {
  readonly bundle: StackBundle;
  /** The page that shows the file. */
  readonly path: string;
}

/** Renders the report in the file of a bundle; nothing where it has none of a fleet. */
export function FleetOfFile({ bundle: { report = [], attempts }, path }: FleetOfFileProps) {
  const shown = useMemo(() => {
    const pages = report.filter(isFleetPage);
    const isOver = attempts.every(({ outcome }) => outcome !== undefined);
    return pages.length === 0 ? undefined : toFleetReport(pages, { isOver });
  }, [report, attempts]);
  if (shown === undefined) return null;
  return (
    <FleetPath value={path}>
      <Panel title="Instances by state">
        <div className="panel-body">
          <FleetStandings report={shown} />
        </div>
      </Panel>
      <FleetRoles report={shown} />
      <FleetCauses causes={shown.causes} />
      <FleetInstances report={shown} />
    </FleetPath>
  );
}
