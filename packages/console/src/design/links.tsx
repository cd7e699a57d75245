import { defined } from "@stackyard/core";
import { Link, useNavigate, useSearch as useRouterSearch } from "@tanstack/react-router";
import { type CSSProperties, createContext, type HTMLAttributes, type ReactNode, useContext } from "react";
import { Text } from "./text.tsx";

/** The query of a page's address: filters, tab, sort, position, line. Never secrets. */
export type Search = Readonly<Record<string, string>>;

/** The form of the query of an address: plain texts, `?id=pr-12&tab=history`. */
export const SEARCH_FORMAT = {
  parseSearch: (text: string) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search: object) => {
    const text = new URLSearchParams(search as Record<string, string>).toString();
    return text === "" ? "" : `?${text}`;
  },
};

/** Parts of an address; those that are undefined are left out or removed. */
type SearchChange = Readonly<Record<string, string | undefined>>;

interface LinkProps {
  readonly path: string;
  readonly search?: SearchChange;
  readonly className?: string;
  readonly style?: CSSProperties;
  /** Replaces the text for screen readers, and is shown on hover. */
  readonly label?: string;
  readonly title?: string;
  readonly children: ReactNode;
  /** True for the tab or page that is shown. */
  readonly current?: boolean;
  /** What makes the link a part of something else, such as an option of a list. */
  readonly attributes?: HTMLAttributes<HTMLAnchorElement>;
}

/** The only page there is, such as that of an incident, which is one file; undefined in the console, which has all. */
export const OnlyPage = createContext<string | undefined>(undefined);

/** Renders a link to a page of the console; only its text where that page does not exist. Empty values are left out of the address. */
export function To({
  path,
  search = {},
  className,
  style,
  label,
  title = label,
  children,
  current,
  attributes,
}: LinkProps) {
  const only = useContext(OnlyPage);
  if (only !== undefined && path !== only) return <span {...defined({ className, style, title })}>{children}</span>;
  return (
    <Link
      to={path as "/"}
      search={clean(search)}
      {...defined({ className, style, title, "aria-label": label })}
      {...(current && { "aria-current": "page" as const })}
      {...attributes}
      // A link of this path with another query is not the current page.
      activeOptions={{ exact: true, includeSearch: true }}
    >
      {children}
    </Link>
  );
}

interface TextLinkProps extends Omit<LinkProps, "children"> {
  readonly text: string;
  readonly mono?: boolean;
}

/** Renders a text from outside as a link to a page of the console. */
export function TextLink({ text, mono = false, ...link }: TextLinkProps) {
  return (
    <To {...link}>
      <Text mono={mono}>{text}</Text>
    </To>
  );
}

/** Returns the query of the address. */
export function useSearch(): Search {
  return useRouterSearch({ strict: false }) as Search;
}

/** Returns a function that changes the query of the address; undefined removes a part. */
export function useChangeSearch(): (change: SearchChange, push?: boolean) => void {
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
export function useGo(): (path: string, search?: SearchChange) => void {
  const navigate = useNavigate();
  return (path, search = {}) => void navigate({ to: path, search: clean(search) as never });
}

/** Removes what is undefined or empty. */
export function clean(search: SearchChange): Record<string, string> {
  const entries = Object.entries(search).filter((entry): entry is [string, string] => (entry[1] ?? "") !== "");
  return Object.fromEntries(entries);
}
