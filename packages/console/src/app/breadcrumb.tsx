import { useRouterState } from "@tanstack/react-router";
import { useYardName } from "../api/use-yard-name.ts";
import { Icon } from "../design/icon.tsx";
import { To, useSearch } from "../design/links.tsx";
import { toSafeText } from "../text/safe-text.ts";
import { findCrumbs } from "./screens.ts";

/** Renders the way to this page, from the screen of the rail. */
export function Breadcrumb() {
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const yardName = useYardName();
  const ofPage = findCrumbs(path, useSearch());
  const crumbs = yardName === undefined ? ofPage : [{ title: yardName, path: "/", search: {} }, ...ofPage];
  return (
    <nav className="crumbs" aria-label="Breadcrumb">
      <ol>
        {crumbs.map(({ title, path: to, search }) => (
          <li key={`${title} ${to}`}>
            {to === undefined ? (
              <span aria-current="page">{toSafeText(title)}</span>
            ) : (
              <>
                <To path={to} search={search ?? {}}>
                  {toSafeText(title)}
                </To>
                <Icon name="next" size={14} />
              </>
            )}
          </li>
        ))}
      </ol>
    </nav>
  );
}
