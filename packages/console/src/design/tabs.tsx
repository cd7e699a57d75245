import { To, useSearch } from "./links.tsx";

/** One tab of a page; its id is in the address. */
export interface Tab {
  readonly id: string;
  readonly title: string;
}

/** Tabs of a page as links: the shown one is `tab` in the address, by default the first. */
export function Tabs({ path, tabs, keep = [] }: { path: string; tabs: readonly Tab[]; keep?: readonly string[] }) {
  const search = useSearch();
  const shown = search["tab"] ?? tabs[0]?.id;
  const kept = Object.fromEntries(keep.map((name) => [name, search[name]]));
  return (
    <nav className="tabs" aria-label="Parts of this page">
      {tabs.map(({ id, title }) => (
        <To key={id} path={path} search={{ ...kept, tab: id === tabs[0]?.id ? undefined : id }} current={id === shown}>
          {title}
        </To>
      ))}
    </nav>
  );
}
