import {
  type FleetInstanceReport,
  type FleetReport,
  type FleetStanding,
  STANDINGS,
  standingOf,
} from "@stackyard/executor-runcommand/report";
import { type PointerEvent, useEffect, useMemo, useRef, useState } from "react";
import { To, useChangeSearch, useSearch } from "../design/links.tsx";
import { NoMatch, Panel } from "../design/page.tsx";
import { useTheme } from "../design/settings.ts";
import { Text } from "../design/text.tsx";
import { drawCells, findCell, layOut, readColors } from "./draw-cells.ts";
import { type FleetGroup, type FleetGrouping, groupInstances } from "./fleet-data.ts";
import { useFleetFilter } from "./use-fleet-filter.ts";

const GROUPINGS: readonly FleetGrouping[] = ["role", "state", "code"];

/** Renders a cell for each instance. The tables below contain the same. */
export function FleetMap({ report }: { report: FleetReport }) {
  const search = useSearch();
  const { instances, description, clear } = useFleetFilter(report);
  const by = GROUPINGS.find((each) => each === search["by"]) ?? "role";
  const groups = useMemo(() => groupInstances(instances, by), [instances, by]);
  return (
    <Panel
      title="Map"
      actions={
        <>
          <span className="muted">by</span>
          {GROUPINGS.map((each) => (
            <To
              key={each}
              path="/fleet"
              search={{ ...search, by: each === "role" ? undefined : each }}
              current={each === by}
            >
              {each}
            </To>
          ))}
        </>
      }
    >
      {instances.length === 0 ? (
        <NoMatch filters={description} onClear={clear} />
      ) : (
        <div className="panel-body stack-v">
          <Legend report={report} />
          {groups.map((group) => (
            <GroupMap key={group.name} group={group} all={instances.length} />
          ))}
        </div>
      )}
    </Panel>
  );
}

function Legend({ report: { standings } }: { report: FleetReport }) {
  const shown = STANDINGS.filter((standing) => standings[standing] > 0);
  return (
    <ul className="fleet-legend" aria-hidden="true">
      {shown.map((standing) => (
        <li key={standing}>
          <LegendCell standing={standing} /> {standing}
        </li>
      ))}
    </ul>
  );
}

const LEGEND_PX = 12;

function LegendCell({ standing }: { standing: FleetStanding }) {
  const ref = useRef<HTMLCanvasElement>(null);
  const theme = useTheme();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme changes the colors
  useEffect(() => {
    if (ref.current === null) return;
    const layout = { columns: 1, rows: 1, cellPx: LEGEND_PX };
    drawCells(ref.current, { standings: [standing], layout, colors: readColors(ref.current) });
  }, [standing, theme]);
  return <canvas ref={ref} />;
}

function GroupMap({ group: { name, instances }, all }: { group: FleetGroup; all: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const [pointed, setPointed] = useState<FleetInstanceReport>();
  const changeSearch = useChangeSearch();
  const theme = useTheme();
  const chosen = useSearch()["instance"];
  useEffect(() => {
    if (box.current === null) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  const layout = useMemo(() => layOut(instances.length, width, all), [instances.length, width, all]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme changes the colors
  useEffect(() => {
    if (canvas.current === null || width === 0) return;
    const colors = readColors(canvas.current);
    const marked = instances.findIndex(({ instanceId }) => instanceId === chosen);
    drawCells(canvas.current, { standings: instances.map(standingOf), layout, colors, marked });
  }, [instances, layout, width, theme, chosen]);
  const instanceAt = ({ nativeEvent: { offsetX, offsetY } }: PointerEvent) =>
    instances[findCell(layout, offsetX, offsetY)];
  return (
    <figure className="fleet-group">
      <figcaption>
        <strong>
          <Text>{name}</Text>
        </strong>{" "}
        <span className="muted">
          {instances.length.toLocaleString("en")}
          {pointed !== undefined && (
            <>
              {" · "}
              <Text mono>{pointed.instanceId}</Text> {standingOf(pointed)} <Text mono>{pointed.code ?? ""}</Text>
            </>
          )}
        </span>
      </figcaption>
      <div ref={box}>
        <canvas
          ref={canvas}
          role="img"
          aria-label={`Map of ${instances.length} instances; the table of instances lists the same`}
          onPointerMove={(event) => setPointed(instanceAt(event))}
          onPointerLeave={() => setPointed(undefined)}
          onPointerUp={(event) => changeSearch({ instance: instanceAt(event)?.instanceId })}
        />
      </div>
    </figure>
  );
}
