import { useRouterState } from "@tanstack/react-router";
import { useMe } from "../api/access.ts";
import { type Count, toCount } from "../api/use-load.ts";
import { needyOf, useMainConditions } from "../api/use-main-conditions.ts";
import { Icon } from "../design/icon.tsx";
import { To } from "../design/links.tsx";
import type { Tone } from "../design/mark.tsx";
import { Menu } from "../design/menu.tsx";
import { useMedia } from "../design/use-media.ts";
import { findScreen, GROUPS, type Screen } from "./screens.ts";

interface Badge {
  readonly count: Count;
  readonly tone: Tone;
  readonly what: string;
}

/** Returns the badges of the rail. They add up to what needs a person. */
function useBadges(): Readonly<Record<string, Badge>> {
  const { query, counts } = useMainConditions();
  const load = { data: counts, error: query.error };
  return {
    "/stacks": {
      count: toCount(load, (known) => needyOf(known, "failed", "degraded", "overdue", "stalled")),
      tone: "fail",
      what: "need attention",
    },
    "/approvals": {
      count: toCount(load, (known) => needyOf(known, "approval")),
      tone: "approval",
      what: "waiting for a decision",
    },
  };
}

/** Renders the rail at the side: words from 1,200 px, icons from 720 px; on a phone a line below instead. */
export function Navigation() {
  const isPhone = useMedia("(max-width: 719px)");
  return isPhone ? <PhoneLine /> : <Rail />;
}

/** Returns the groups of the rail with the screens that this yard has. Where that cannot be loaded, with all. */
function useGroups(): typeof GROUPS {
  const { data, error } = useMe();
  const isThere = ({ needs }: Screen) =>
    needs === undefined || (data === undefined ? error !== null : data[needs] === true);
  return GROUPS.map(([group, screens]) => [group, screens.filter(isThere)]);
}

function Rail() {
  const groups = useGroups();
  return (
    <nav className="rail" aria-label="Screens">
      {groups.map(([group, screens]) => (
        <div key={group} className="rail-group">
          <p aria-hidden="true">{group}</p>
          <ul aria-label={group}>
            {screens.map((screen) => (
              <li key={screen.path}>
                <ScreenLink screen={screen} />
              </li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}

function ScreenLink({ screen: { path, title, icon } }: { screen: Screen }) {
  const current = useRouterState({ select: ({ location }) => findScreen(location.pathname) }) === path;
  const badge = useBadges()[path];
  return (
    <To path={path} current={current} title={title}>
      <Icon name={icon} />
      <span className="rail-word">{title}</span>
      {badge !== undefined && <BadgeMark badge={badge} />}
    </To>
  );
}

/** Renders a count; a dash where it could not be loaded. */
function BadgeMark({ badge: { count, tone, what } }: { badge: Badge }) {
  if (count === "loading" || count === 0) return null;
  const isKnown = count !== "failed";
  return (
    <span className={isKnown ? `count tone-${tone}` : "count"}>
      <span aria-hidden={!isKnown}>{isKnown ? count.toLocaleString("en") : "–"}</span>
      <span className="hidden-visually"> {isKnown ? what : `not known how many ${what}`}</span>
    </span>
  );
}

/** Screens in the line of a phone; the others are under More. */
const ON_PHONE = 4;

function PhoneLine() {
  const screens = useGroups().flatMap(([, group]) => group);
  const path = useRouterState({ select: ({ location }) => findScreen(location.pathname) });
  const rest = screens.slice(ON_PHONE);
  const isInRest = rest.some((screen) => screen.path === path);
  return (
    <nav className="phone-line" aria-label="Screens">
      {screens.slice(0, ON_PHONE).map((screen) => (
        <ScreenLink key={screen.path} screen={screen} />
      ))}
      <Menu
        label="More screens"
        className={isInRest ? "phone-more current" : "phone-more"}
        face={
          <>
            <Icon name="more" />
            <span>More</span>
          </>
        }
      >
        {rest.map((screen) => (
          <To key={screen.path} path={screen.path} current={screen.path === path}>
            {screen.title}
          </To>
        ))}
      </Menu>
    </nav>
  );
}
