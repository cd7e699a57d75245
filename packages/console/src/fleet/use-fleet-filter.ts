import type { FleetInstanceReport, FleetReport } from "@stackyard/executor-runcommand/report";
import { useMemo } from "react";
import { useChangeSearch, useSearch } from "../design/links.tsx";
import { filterInstances, NO_ROLE, toStanding } from "./fleet-data.ts";

interface FilteredFleet {
  readonly instances: readonly FleetInstanceReport[];
  /** The filters in words; empty: none. */
  readonly description: string;
  readonly clear: () => void;
}

/** Returns the instances that the address chooses. */
export function useFleetFilter({ instances }: FleetReport): FilteredFleet {
  const { role, state, code } = useSearch();
  const changeSearch = useChangeSearch();
  const chosen = useMemo(
    () => filterInstances(instances, { role: role === NO_ROLE ? "" : role, state: toStanding(state), code }),
    [instances, role, state, code],
  );
  const parts = Object.entries({ role, state, code }).flatMap(([name, value]) => (value ? [`${name} ${value}`] : []));
  return {
    instances: chosen,
    description: parts.join(", "),
    clear: () => changeSearch({ role: undefined, state: undefined, code: undefined }),
  };
}
