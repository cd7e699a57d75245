import { createContext } from "react";

/**
 * False where addresses in logs are only text. A bundle is read far from its yard, often on a machine that must not call
 * what a task has printed, and lines are clicked to be selected: who wants to follow an address copies it.
 */
export const LogLinks = createContext(true);
