import type { Release, ReleasePlace } from "@stackyard/sdk/releases";
import { useState } from "react";
import { keys } from "../api/keys.ts";
import { type PagedList, usePages } from "../api/use-pages.ts";
import { AwsPlace } from "../design/aws-place.tsx";
import { Button } from "../design/button.tsx";
import { TextLink } from "../design/links.tsx";
import { Mark } from "../design/mark.tsx";
import { Panel } from "../design/page.tsx";
import { Listed } from "../design/table.tsx";
import { Ago, Text } from "../design/text.tsx";
import { type AsgPlace, toAsgPlaces } from "./asg-places.ts";
import { useReleases } from "./release-list.tsx";
import { formatRelease, releases, toReleaseStatus } from "./release-status.ts";
import "./asg-panel.css";

/** What the yard knows of Auto Scaling groups: their places, and what was done about them. */
export interface AsgLists {
  readonly places: PagedList<ReleasePlace>;
  readonly releases: PagedList<Release>;
}

/** Loads the places of Auto Scaling groups, and their releases. */
export function useAsgLists(): AsgLists {
  const places = usePages(keys.list("release-places"), (part) => releases.places(part));
  return { places, releases: useReleases() };
}

/** Renders each place of Auto Scaling groups: what runs there, and below it its releases, the newest first. */
export function AsgPanel({ lists: { places, releases } }: { readonly lists: AsgLists }) {
  return (
    <Panel title="Auto Scaling groups" note="what runs where">
      <Listed list={places} empty={null}>
        {() => null}
      </Listed>
      <Listed list={releases} empty={<Places places={places} releases={[]} />}>
        {(items) => <Places places={places} releases={items} />}
      </Listed>
    </Panel>
  );
}

interface PlacesProps {
  readonly places: PagedList<ReleasePlace>;
  readonly releases: readonly Release[];
}

/** A place without a record among those that are loaded may have one on a later page. */
function Places({ places: { items: records, loadMore }, releases }: PlacesProps) {
  const isKnown = records !== undefined && loadMore === undefined;
  return toAsgPlaces(records, releases).map((place) => <Place key={place.key} place={place} isKnown={isKnown} />);
}

/** Those below each other that a place shows at first: the last one, and what it took the place of. */
const FIRST = 3;

function Place({ place: { of, record, releases }, isKnown }: { place: AsgPlace; isKnown: boolean }) {
  const [isWhole, setIsWhole] = useState(false);
  const { account, region, project, config } = of;
  const name = `${project}, ${config}`;
  return (
    <section aria-label={name}>
      <h3 className="panel-part asg-place">
        <span>
          <Text>{name}</Text>{" "}
          <span className="muted">
            <AwsPlace account={account} region={region} />
          </span>
        </span>
        <Running record={record} isKnown={isKnown} />
        {record?.lock !== undefined && (
          <span>
            <Mark status="parked" word={`Locked by ${record.lock.user}: ${record.lock.reason}`} />{" "}
            <span className="muted">
              <Ago at={record.lock.since} />
            </span>
          </span>
        )}
      </h3>
      <ul className="asg-releases" aria-label={`Releases of ${name}`}>
        {releases.slice(0, isWhole ? undefined : FIRST).map((release) => (
          <OneRelease key={release.jobId} release={release} />
        ))}
      </ul>
      {releases.length > FIRST && (
        <p className="panel-body">
          <Button look="plain" pressed={isWhole} onPress={() => setIsWhole(!isWhole)}>
            {`${(releases.length - FIRST).toLocaleString("en")} earlier`}
          </Button>
        </p>
      )}
    </section>
  );
}

/** Renders the last release that succeeded. A record that could not be loaded is not one without a release. */
function Running({ record, isKnown }: { readonly record: ReleasePlace | undefined; readonly isKnown: boolean }) {
  const running = record?.running;
  if (running === undefined)
    return <span className="muted">{isKnown ? "no release has succeeded yet" : "what runs is not known"}</span>;
  return (
    <span>
      <span className="muted">has run</span>{" "}
      <b>
        <Text>{running.releaseId}</Text>
      </b>{" "}
      <span className="muted">
        for <Ago at={running.since} plain />
      </span>
    </span>
  );
}

function OneRelease({ release }: { readonly release: Release }) {
  const { jobId, error, message = "", startedAt } = release;
  return (
    <li>
      <Mark {...toReleaseStatus(release)} />
      <TextLink path="/asg" search={{ id: jobId }} className="name" text={formatRelease(release)} />
      <span className="asg-why">
        <Text>{error?.message ?? message}</Text>
      </span>
      <span className="muted">
        <Ago at={startedAt} />
      </span>
    </li>
  );
}
