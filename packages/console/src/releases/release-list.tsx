import type { Release } from "@stackyard/sdk/releases";
import { keys } from "../api/keys.ts";
import { type PagedList, usePages } from "../api/use-pages.ts";
import { TextLink } from "../design/links.tsx";
import { SideList } from "../design/list-detail.tsx";
import { Mark } from "../design/mark.tsx";
import type { Column } from "../design/table.tsx";
import { formatRelease, releases, toReleaseStatus } from "./release-status.ts";

/** Loads releases and what was done about them, the newest first. */
export function useReleases(): PagedList<Release> {
  return usePages(keys.list("releases"), (part) => releases.list({}, { sort: "-createdAt", ...part }));
}

/** The columns that distinguish releases. */
export const RELEASE_COLUMNS: readonly Column<Release>[] = [
  { header: "State", cell: (release) => <Mark {...toReleaseStatus(release)} /> },
  {
    header: "Release",
    cell: (release) => <TextLink path="/asg" search={{ id: release.jobId }} text={formatRelease(release)} />,
  },
];

/** Renders the releases next to one of them. */
export function ReleaseList({ jobId }: { jobId: string }) {
  return (
    <SideList
      label="Releases"
      list={useReleases()}
      keyOf={(release) => release.jobId}
      selected={jobId}
      columns={RELEASE_COLUMNS}
    />
  );
}
