/** The folder of this package. This file is in `src`, its build in `dist` or in `dist/start`. */
export const OWN_FOLDER: URL = new URL(/\/start\/[^/]+$/.test(import.meta.url) ? "../../" : "../", import.meta.url);
