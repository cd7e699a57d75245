import { createContext } from "react";

/** The page that shows the report: links in it choose what it shows. */
export const FleetPath = createContext("/fleet");
