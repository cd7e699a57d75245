import type { FleetInstanceReport, FleetReport } from "@stackyard/executor-runcommand/report";
import { useMemo } from "react";
import { useChangeSearch, useSearch } from "../design/links.tsx";
import { filterInstances, NO_ROLE, toStanding } from "./fleet-data.ts";
import { findWave, toWaves } from "./fleet-waves.ts";

interface FilteredFleet {
  readonly instances: readonly FleetInstanceReport[];
  /** The filters in words; empty: none. */
  readonly description: string;
  readonly clear: () => void;
}

/** Returns the instances that the address chooses. */
export function useFleetFilter({ instances }: FleetReport): FilteredFleet {
  const { role, state, code, wave } = useSearch();
  const changeSearch = useChangeSearch();
  const chosen = useMemo(() => {
    const commandIds = wave === undefined ? undefined : (findWave(toWaves(instances), wave)?.commandIds ?? []);
    return filterInstances(instances, {
      role: role === NO_ROLE ? "" : role,
      state: toStanding(state),
      code,
      commandIds,
    });
  }, [instances, role, state, code, wave]);
  const parts = Object.entries({ role, state, code, wave }).flatMap(([name, value]) =>
    value ? [`${name} ${value}`] : [],
  );
  return {
    instances: chosen,
    description: parts.join(", "),
    clear: () => changeSearch({ role: undefined, state: undefined, code: undefined, wave: undefined }),
  };
}
