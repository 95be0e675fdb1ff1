(function_definition name: (_) @name) @symbol.function
(variable_assignment name: (variable_name) @name) @symbol.variable
(for_statement variable: (_) @bind.variable)
(declaration_command (variable_name) @bind.variable)
