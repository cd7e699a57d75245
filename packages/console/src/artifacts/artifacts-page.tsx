import type { ArtifactCoverage } from "@stackyard/sdk";
import { toFailure, yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { usePages } from "../api/use-pages.ts";
import { Button } from "../design/button.tsx";
import { Filters, FilterText } from "../design/filters.tsx";
import { clean, To, useChangeSearch, useSearch } from "../design/links.tsx";
import { Empty, NoMatch, Page, Panel } from "../design/page.tsx";
import { Listed } from "../design/table.tsx";
import { hasGap } from "./coverage.ts";
import { CoverageTable } from "./coverage-table.tsx";

/** Renders which version of which artifact has arrived in which account and region, and why not. */
export function ArtifactsPage() {
  const search = useSearch();
  const change = useChangeSearch();
  const filter = clean({ name: search["name"], version: search["version"] });
  const rows = usePages(keys.other("coverage", filter), (part) => yard.artifacts.coverage({ ...filter, ...part }));
  if (rows.items === undefined && toFailure(rows.error).code === "NOT_CONFIGURED") {
    return (
      <Page title="Artifacts">
        <Empty command="stackyard artifacts --help">
          This yard has no distributor. Set distributor in stackyard.config.ts to the name or ARN of its function.
        </Empty>
      </Page>
    );
  }
  const filters = Object.entries(filter).map(([name, value]) => `${name} ${value}`);
  return (
    <Page title="Artifacts" actions={<Button onPress={rows.refetch}>Reload</Button>}>
      <Panel>
        <Filters>
          <FilterText name="name" label="Artifact" shortcut="/" isExact />
          <FilterText name="version" label="Version" isExact />
          <GapSwitch />
        </Filters>
        <Listed
          list={rows}
          empty={
            filters.length > 0 ? (
              <NoMatch filters={filters.join(", ")} onClear={() => change({ name: undefined, version: undefined })} />
            ) : (
              <Empty command="stackyard artifacts publish">No artifact has been published.</Empty>
            )
          }
        >
          {(items) => <Coverage rows={items} isWhole={rows.loadMore === undefined && !rows.isLoadingMore} />}
        </Listed>
      </Panel>
    </Page>
  );
}

/** Renders the choice between all versions and those that are missing somewhere; it is in the address. */
function GapSwitch() {
  const search = useSearch();
  const isOnly = search["gaps"] === "only";
  return (
    <nav className="segments" aria-label="Versions">
      <To path="/artifacts" search={{ ...search, gaps: undefined }} current={!isOnly}>
        All versions
      </To>
      <To path="/artifacts" search={{ ...search, gaps: "only" }} current={isOnly}>
        Only gaps
      </To>
    </nav>
  );
}

function Coverage({ rows, isWhole }: { rows: readonly ArtifactCoverage[]; isWhole: boolean }) {
  const isOnly = useSearch()["gaps"] === "only";
  if (!isOnly) return <CoverageTable rows={rows} />;
  const shown = rows.filter(hasGap);
  const of = `${rows.length.toLocaleString("en")} ${isWhole ? "" : "loaded "}versions`;
  return (
    <>
      <p className="panel-body muted" role="status">
        {shown.length === 0
          ? `None of ${of} is missing anywhere.`
          : `${shown.length.toLocaleString("en")} of ${of} are missing somewhere.`}
      </p>
      {shown.length > 0 && <CoverageTable rows={shown} />}
    </>
  );
}
