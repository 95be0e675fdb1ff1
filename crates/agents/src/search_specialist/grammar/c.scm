(function_definition declarator: (_) @name) @symbol.function
(declaration declarator: (_) @name) @symbol.variable
(struct_specifier name: (_) @name body: (_)) @symbol.struct
(union_specifier name: (_) @name body: (_)) @symbol.union
(enum_specifier name: (_) @name body: (_)) @symbol.enum
(enumerator name: (_) @name) @symbol.variant
(type_definition declarator: (_) @name) @symbol.type
(field_declaration declarator: (_) @name) @symbol.field
(preproc_def name: (_) @name) @symbol.macro
(preproc_function_def name: (_) @name) @symbol.macro
(parameter_declaration declarator: (_) @bind.parameter)
