// Package prompt asks a person at a terminal for lines, with editing and a history, while other output may come at any time: what is half
// typed is still there, below it. The line editor is github.com/ergochat/readline behind [Prompt]; nothing else imports it.
package prompt
