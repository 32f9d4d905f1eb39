/** A program that does nothing: the supervisor starts it to see whether a layout works on this machine. */
export {};
