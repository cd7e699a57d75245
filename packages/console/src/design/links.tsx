import { Link, useNavigate, useSearch as useRouterSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";

/** The query of a page's address: filters, tab, sort, position, line. Never secrets. */
export type Search = Readonly<Record<string, string>>;

/** How the router reads and writes the query of an address: as plain texts, `?id=pr-12&tab=history`. */
export const SEARCH_FORMAT = {
  parseSearch: (text: string) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search: object) => {
    const text = new URLSearchParams(search as Record<string, string>).toString();
    return text === "" ? "" : `?${text}`;
  },
};

/** Renders a link to a page of the console. Empty values are left out of the address. */
export function To({
  path,
  search = {},
  className,
  children,
  current,
}: {
  path: string;
  search?: Readonly<Record<string, string | undefined>>;
  className?: string;
  children: ReactNode;
  /** True for the tab or page that is shown. */
  current?: boolean;
}) {
  return (
    <Link
      to={path as "/"}
      search={clean(search)}
      {...(className !== undefined && { className })}
      {...(current && { "aria-current": "page" as const })}
      // A link of this path with another query is not the current page.
      activeOptions={{ exact: true, includeSearch: true }}
    >
      {children}
    </Link>
  );
}

/** Returns the query of the address. */
export function useSearch(): Search {
  return useRouterSearch({ strict: false }) as Search;
}

/** Returns a function that changes the query of the address; undefined removes a part. */
export function useChangeSearch(): (change: Readonly<Record<string, string | undefined>>, push?: boolean) => void {
  const navigate = useNavigate();
  return (change, push = false) => {
    void navigate({
      to: ".",
      search: (before: object) => clean({ ...before, ...change }) as never,
      replace: !push,
      resetScroll: false,
    });
  };
}

/** Returns a function that opens a page. */
export function useGo(): (path: string, search?: Readonly<Record<string, string | undefined>>) => void {
  const navigate = useNavigate();
  return (path, search = {}) => void navigate({ to: path, search: clean(search) as never });
}

/** Removes what is undefined or empty. */
export function clean(search: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const entries = Object.entries(search).filter((entry): entry is [string, string] => (entry[1] ?? "") !== "");
  return Object.fromEntries(entries);
}
