import type { StackSummary } from "@stackyard/sdk";
import { useSearch } from "../design/links.tsx";
import { useSettings } from "../design/settings.ts";
import { useMedia } from "../design/use-media.ts";
import { type ColumnChoice, findColumns } from "./column-choice.ts";

/** Returns the columns of the list of stacks: as the address or the person has chosen, else those for which there is room. */
export function useColumns(sample: readonly Pick<StackSummary, "metadata">[]): readonly ColumnChoice[] {
  const search = useSearch();
  const { stackColumns } = useSettings();
  const isWide = useMedia("(min-width: 1200px)");
  const isPhone = useMedia("(max-width: 719px)");
  return findColumns(search, stackColumns, sample, isWide ? "wide" : isPhone ? "phone" : "middle");
}
