// What an answer to a lift says about the providers' own lists, because many people expect a lift to reach them.

/** Of every lift. */
export const LIFTED_HERE_ONLY =
  "Lifted here only. A provider that keeps a suppression list of its own still drops this mail until the address is off that list, too.";
