import { type FleetReport, STANDINGS } from "@stackyard/executor-runcommand/report";
import { useContext } from "react";
import { To, useSearch } from "../design/links.tsx";
import { Mark } from "../design/mark.tsx";
import { STANDING_MARKS } from "./fleet-data.ts";
import { FleetPath } from "./fleet-path.ts";
import "./fleet.css";

/** Renders the number of instances in each state, which choose those that are shown. */
export function FleetStandings({ report: { standings, counts } }: { report: FleetReport }) {
  const path = useContext(FleetPath);
  const search = useSearch();
  return (
    <nav className="fleet-standings" aria-label="States of the instances">
      <To path={path} search={{ ...search, state: undefined }} current={search["state"] === undefined}>
        {counts.selected.toLocaleString("en")} selected
      </To>
      {STANDINGS.filter((standing) => standings[standing] > 0).map((standing) => (
        <To key={standing} path={path} search={{ ...search, state: standing }} current={search["state"] === standing}>
          <Mark status={STANDING_MARKS[standing]} word={`${standings[standing].toLocaleString("en")} ${standing}`} />
        </To>
      ))}
    </nav>
  );
}
