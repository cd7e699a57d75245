/** What the client has to know of `machines/review-app.yaml` to refuse other events when a program is compiled. */
export const reviewApp = { document: { events: ["OPENED", "PUSHED", "MERGED"] } } as const;
export type ReviewApp = typeof reviewApp;
